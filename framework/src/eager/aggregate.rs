//! Figures over relations as includes: `.with(User::POSTS.count())`.
use std::fmt;

use super::{
    graph::{Loaded, Named},
    include::{IncludeNode, IntoInclude},
    spec::{FigureSpec, Spec},
    stitch::{Links, distribute},
    store::Figures,
};
use crate::{
    error::Result,
    schema::{
        ColumnValue, Relation,
        expression::{Aggregate, ByAddress, Count, Exists, Summary},
    },
};

impl<R: Relation, K: 'static, T: Figure> IntoInclude<R::From> for Aggregate<R, K, T> {
    type Include = Self;

    fn into_include(self) -> Self {
        self
    }
}

impl<R: Relation, K: 'static, T: Figure> IncludeNode<R::From> for Aggregate<R, K, T> {
    type Store = Figures<T>;
    type Loaded = Loaded<Self, T>;

    fn spec(&self) -> Spec {
        Spec::Figure(FigureSpec {
            relation: ByAddress(R::def()),
            filter: self.condition().cloned(),
            aggregate: self.kind(),
        })
    }

    fn store(&self) -> Figures<T> {
        Figures { values: Vec::new() }
    }

    fn assemble(&self, store: Figures<T>, links: Links) -> Result<Vec<Self::Loaded>> {
        let values = distribute(store.values, &links);
        Ok(values
            .into_iter()
            .map(|value| Loaded::new(value.into_iter().next().unwrap_or_else(T::of_no_rows)))
            .collect())
    }
}

/// A figure's type, with its value over no rows.
pub trait Figure: ColumnValue + fmt::Debug {
    /// The figure where there are no related rows.
    fn of_no_rows() -> Self;
}

impl Figure for i64 {
    fn of_no_rows() -> Self {
        0
    }
}

impl Figure for bool {
    fn of_no_rows() -> Self {
        false
    }
}

impl<T: ColumnValue<Base = T> + fmt::Debug> Figure for Option<T> {
    fn of_no_rows() -> Self {
        None
    }
}

/// The key of a figure in serialised graphs.
pub trait FigureName {
    /// `count`, `exists` or `figure`.
    const NAME: &'static str;
}

impl FigureName for Count {
    const NAME: &'static str = "count";
}

impl FigureName for Exists {
    const NAME: &'static str = "exists";
}

impl FigureName for Summary {
    const NAME: &'static str = "figure";
}

impl<R: Relation, K: FigureName + 'static, T: 'static> Named for Aggregate<R, K, T> {
    fn name() -> &'static str {
        interned(R::def().name, K::NAME)
    }
}

/// `posts_count`, kept for the life of the program: there are as many names as relations have figures.
fn interned(relation: &'static str, figure: &'static str) -> &'static str {
    use std::{
        collections::HashMap,
        sync::{LazyLock, Mutex, PoisonError},
    };
    type Names = HashMap<(&'static str, &'static str), &'static str>;
    static NAMES: LazyLock<Mutex<Names>> = LazyLock::new(Mutex::default);
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    names
        .entry((relation, figure))
        .or_insert_with(|| Box::leak(format!("{relation}_{figure}").into_boxed_str()))
}
