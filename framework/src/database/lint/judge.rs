//! One table to findings. Pure.
use super::{
    ddl::{self, Form},
    finding::{Evidence, Finding, FindingKind},
    propose::{self, Proposal},
    report::Unjudged,
    serve::Wanted,
    surplus::{self, Other, Surplus, Why},
    table::Table,
};
use crate::{database::live::Usage, statement::render::qualified};

/// What is to be said of one table.
#[derive(Debug, Default)]
pub(super) struct Judged {
    pub(super) findings: Vec<Finding>,
    pub(super) unjudged: Vec<Unjudged>,
}

/// What is wrong with the indexes of `table`. Of a table that was read less often than `enough` nobody knows which
/// indexes are used.
pub(super) fn judge(mut table: Table, usage: Option<&Usage>, enough: u64, form: Form) -> Judged {
    let mut judged = Judged::default();
    let mut reads = None;
    if let Some(usage) = usage {
        for index in &mut table.indexes {
            let own = usage.indexes.get(&index.live.name);
            index.reads = Some(own.copied().unwrap_or_default());
        }
        if usage.reads >= enough {
            reads = Some(usage.reads);
        } else if table.indexes.iter().any(|index| !index.live.unique) {
            judged.unjudged.push(too_few(&table, usage.reads, enough));
        }
    }
    let since = usage.and_then(|usage| usage.since.clone());
    let proposals = propose::proposals(&table);
    let surplus = surplus::surplus(&table, &proposals, reads);
    let names = names(&table, &proposals);
    let invalid = table.invalid.iter();
    judged
        .findings
        .extend(invalid.map(|name| incomplete(&table, name, form)));
    for (proposal, name) in proposals.iter().zip(&names) {
        judged.findings.push(missing(&table, proposal, name, form));
    }
    for surplus in surplus {
        let of = |other: Other| match other {
            Other::Live(at) => table.indexes[at].live.name.clone(),
            Other::Proposed(at) => names[at].clone(),
        };
        judged
            .findings
            .push(too_much(&table, &surplus, of, since.clone(), form));
    }
    judged
}

fn too_few(table: &Table, reads: u64, enough: u64) -> Unjudged {
    let name = qualified(table.def);
    Unjudged::Usage {
        reason: format!("`{name}` was read {reads} times, and {enough} are asked for"),
    }
}

fn names(table: &Table, proposals: &[Proposal]) -> Vec<String> {
    let mut names = Vec::with_capacity(proposals.len());
    for proposal in proposals {
        let columns = &proposal.columns;
        let columns: Vec<_> = columns.iter().map(|(column, _)| *column).collect();
        names.push(ddl::free_name(table, &columns, &names));
    }
    names
}

fn missing(table: &Table, proposal: &Proposal, name: &str, form: Form) -> Finding {
    let wants = || proposal.wants.iter().map(|&want| &table.wants[want]);
    let mut evidence = Evidence::default();
    wants().for_each(|want| evidence.add(&want.evidence));
    let key = wants().find_map(|want| match &want.wanted {
        Wanted::Key { columns, target } => Some(FindingKind::UnindexedForeignKey {
            columns: table.names(columns),
            target: target.clone(),
        }),
        Wanted::Seek(_) => None,
    });
    let order = proposal.turns.map(|at| FindingKind::ColumnOrder {
        index: table.indexes[at].live.name.clone(),
        replaceable: surplus::is_replaceable(table, at, proposal),
    });
    let is_order = |wanted: &Wanted| matches!(wanted, Wanted::Seek(sought) if sought.is_order());
    let plain = match wants().all(|want| is_order(&want.wanted)) {
        true => FindingKind::UnindexedOrder,
        false => FindingKind::UnindexedFilter,
    };
    let columns: Vec<_> = proposal.columns.iter().map(|(column, _)| *column).collect();
    Finding {
        entity: table.def.entity,
        table: qualified(table.def).to_string(),
        columns: table.names(&columns),
        kind: key.or(order).unwrap_or(plain),
        evidence,
        ddl: ddl::create(table, name, &proposal.columns, form),
    }
}

fn incomplete(table: &Table, name: &str, form: Form) -> Finding {
    Finding {
        entity: table.def.entity,
        table: qualified(table.def).to_string(),
        columns: Vec::new(),
        kind: FindingKind::InvalidIndex {
            index: name.to_owned(),
        },
        evidence: Evidence::default(),
        ddl: ddl::drop(table, name, form),
    }
}

fn too_much(
    table: &Table,
    surplus: &Surplus,
    of: impl Fn(Other) -> String,
    since: Option<String>,
    form: Form,
) -> Finding {
    let own = &table.indexes[surplus.index];
    let index = own.live.name.clone();
    let kind = match surplus.why {
        Why::Duplicate(other) => FindingKind::DuplicateIndex {
            index,
            of: of(other),
        },
        Why::Prefix(other) => FindingKind::RedundantIndex {
            index,
            of: of(other),
        },
        Why::Unused(reads) => FindingKind::UnusedIndex {
            index,
            reads,
            since,
            declared: table.declared.contains(&own.columns),
        },
    };
    Finding {
        entity: table.def.entity,
        table: qualified(table.def).to_string(),
        columns: table.names(&own.columns),
        kind,
        evidence: Evidence::default(),
        ddl: ddl::drop(table, &own.live.name, form),
    }
}
