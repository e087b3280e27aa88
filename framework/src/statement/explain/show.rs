//! Plans as text: one line for each step, deeper ones indented.
use std::fmt;

use super::{
    node::{Measured, PlanNode},
    plan::{QueryPlan, QueryPlans},
};

impl fmt::Display for QueryPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.command, self.sql)?;
        let (file, line) = (self.call_site.file(), self.call_site.line());
        write!(f, "\n  from {file}:{line}")?;
        if let Some(shard) = &self.shard {
            write!(f, ", on shard `{shard}`")?;
        }
        for (name, time) in [("planned", self.planning), ("run", self.execution)] {
            if let Some(time) = time {
                write!(f, ", {name} in {time:.1?}")?;
            }
        }
        if let Some(rows) = self.rows {
            write!(f, ", rows: {rows}")?;
        }
        for root in &self.roots {
            node(f, root, 1)?;
        }
        Ok(())
    }
}

impl fmt::Display for QueryPlans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, plan) in self.iter().enumerate() {
            if at > 0 {
                f.write_str("\n\n")?;
            }
            plan.fmt(f)?;
        }
        Ok(())
    }
}

/// The node alone, in one line.
impl fmt::Display for PlanNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.kind)?;
        if let Some(table) = &self.table {
            write!(f, " of {table}")?;
        }
        if let Some(alias) = &self.alias {
            write!(f, " as {alias}")?;
        }
        if let Some(index) = &self.index {
            let covering = if self.covering { ", covering" } else { "" };
            write!(f, " by {index}{covering}")?;
        }
        write!(f, " [{}]", self.operation)?;
        if let Some(condition) = &self.condition {
            write!(f, " on {condition}")?;
        }
        if let Some(filter) = &self.filter {
            write!(f, " where {filter}")?;
        }
        if let Some(rows) = self.estimated_rows {
            write!(f, ", expects {rows} rows")?;
        }
        if let Some(cost) = self.estimated_cost {
            write!(f, ", cost {cost}")?;
        }
        match &self.measured {
            Some(measured) => show_measured(f, measured),
            None => Ok(()),
        }
    }
}

fn show_measured(f: &mut fmt::Formatter<'_>, measured: &Measured) -> fmt::Result {
    if measured.loops == 0.0 {
        return f.write_str(", never run");
    }
    write!(f, ", gave {} rows", measured.rows)?;
    if measured.loops != 1.0 {
        write!(f, " {} times", measured.loops)?;
    }
    if let Some(removed) = measured.removed {
        write!(f, ", left out {removed}")?;
    }
    if let Some(time) = measured.time {
        write!(f, ", in {time:.1?}")?;
    }
    if let Some(buffers) = &measured.buffers {
        write!(f, ", pages {} hit, {} read", buffers.hit, buffers.read)?;
    }
    Ok(())
}

fn node(f: &mut fmt::Formatter<'_>, one: &PlanNode, depth: usize) -> fmt::Result {
    write!(f, "\n{:1$}{one}", "", depth * 2)?;
    one.children
        .iter()
        .try_for_each(|child| node(f, child, depth + 1))
}
