//! What a batch loads: rows by key, or the children of rows.
use std::{future::Future, marker::PhantomData, panic::Location};

use crate::{
    eager::{
        Include, IncludeNode, IntoInclude,
        spec::Spec,
        stitch::{Links, distribute},
        store::Rows,
    },
    error::Result,
    executor::Executor,
    repository::{load, scatter::keyed},
    result_cache::CacheMode,
    schema::{Entity, KeyPart, Relation, Value},
};

/// Loads the values of many items at once.
pub(super) trait Source: 'static {
    /// What is asked for.
    type Item: Clone + Send + 'static;
    /// What an item leads to.
    type Value: Clone + Send + 'static;

    /// The values of `items`, by their keys; items without one are left out.
    fn load(
        executor: &dyn Executor,
        items: Vec<(KeyPart, Self::Item)>,
        call_site: &'static Location<'static>,
    ) -> impl Future<Output = Result<Vec<(KeyPart, Self::Value)>>> + Send;
}

/// Rows by primary key.
pub(super) struct ByKey<E>(PhantomData<fn() -> E>);

impl<E: Entity> Source for ByKey<E> {
    type Item = Vec<Value>;
    type Value = Option<E>;

    async fn load(
        executor: &dyn Executor,
        items: Vec<(KeyPart, Self::Item)>,
        call_site: &'static Location<'static>,
    ) -> Result<Vec<(KeyPart, Self::Value)>> {
        let wanted: Vec<_> = items.iter().map(|(key, _)| key.clone()).collect();
        let mode = CacheMode::Use;
        let mut found = keyed::many::<E>(executor, mode, items, call_site.into()).await?;
        Ok(wanted
            .into_iter()
            .map(|key| {
                let row = found.remove(&key);
                (key, row)
            })
            .collect())
    }
}

/// The rows that a relation leads to.
pub(super) struct ByRelation<R>(PhantomData<fn() -> R>);

impl<R: Relation> Source for ByRelation<R> {
    type Item = (R, R::From);
    type Value = Vec<R::To>;

    async fn load(
        executor: &dyn Executor,
        items: Vec<(KeyPart, Self::Item)>,
        call_site: &'static Location<'static>,
    ) -> Result<Vec<(KeyPart, Self::Value)>> {
        let Some((_, (relation, _))) = items.first() else {
            return Ok(Vec::new());
        };
        let includes = (Children(relation.into_include()), ());
        let (keys, entities): (Vec<_>, Vec<_>) = items
            .into_iter()
            .map(|(key, (_, entity))| (key, entity))
            .unzip();
        let loaded = load::load(executor, entities, &includes, true, call_site).await?;
        let children = loaded.into_iter().map(|with| with.into_parts().1.0);
        Ok(keys.into_iter().zip(children).collect())
    }
}

/// A relation as an include that gives every parent a list, so that a row missing behind one key fails nobody else.
struct Children<R>(Include<R, ()>);

impl<R: Relation> IncludeNode<R::From> for Children<R> {
    type Store = Rows<R::To, ()>;
    type Loaded = Vec<R::To>;

    fn spec(&self) -> Spec {
        self.0.spec()
    }

    fn store(&self) -> Self::Store {
        Rows::new(())
    }

    fn assemble(&self, store: Self::Store, links: Links) -> Result<Vec<Self::Loaded>> {
        Ok(distribute(store.rows, &links))
    }
}
