//! Relations loaded for entities in hand.
use std::{future::Future, panic::Location};

use super::{
    Repository,
    scatter::{self, Part, keyed},
};
use crate::{
    eager::{
        IncludeList, IntoInclude, Strategy,
        engine::{Load, load_children},
        store::Rows,
    },
    error::Result,
    executor::Executor,
    result_cache::CacheMode,
    schema::{Entity, table::key_of},
    statement::{next_load, query::Level},
};

/// An entity with one include.
type WithOne<E, T> = <(<T as IntoInclude<E>>::Include, ()) as IncludeList<E>>::Output;

impl<'a, E: Entity> Repository<'a, E> {
    /// Loads a relation or a figure for all of `entities` at once, in a constant number of statements; the order and
    /// number of the entities stay.
    ///
    /// # Errors
    /// The database's, a decode error, or a dangling key of a relation that must have a row.
    #[track_caller]
    pub fn load<T: IntoInclude<E>>(
        &self,
        entities: Vec<E>,
        include: T,
    ) -> impl Future<Output = Result<Vec<WithOne<E, T>>>> + Send + use<'a, E, T> {
        let includes = (include.into_include(), ());
        let executor = self.executor.clone();
        let cached = self.cache == CacheMode::Use;
        let call_site = Location::caller();
        async move { load(&*executor, entities, &includes, cached, call_site).await }
    }
}

/// Entities in hand with what `includes` ask for.
pub(super) async fn load<E: Entity, I: IncludeList<E, Row = E>>(
    executor: &dyn Executor,
    entities: Vec<E>,
    includes: &I,
    cached: bool,
    call_site: &'static Location<'static>,
) -> Result<Vec<I::Output>> {
    if executor.sharding().is_some() {
        let loading = on_shards(executor, entities, includes, cached, call_site);
        return Box::pin(loading).await.map_err(|error| error.at(call_site));
    }
    load_at(executor, entities, includes, load_as(cached, call_site)).await
}

/// The same for entities of which each is on its shard.
async fn on_shards<E: Entity, I: IncludeList<E, Row = E>>(
    executor: &dyn Executor,
    entities: Vec<E>,
    includes: &I,
    cached: bool,
    call_site: &'static Location<'static>,
) -> Result<Vec<I::Output>> {
    let mut specs = Vec::new();
    includes.specs(&mut specs);
    scatter::check_specs(&specs)?;
    let Some(groups) = keyed::by_shard(executor, &entities)? else {
        return load_at(executor, entities, includes, load_as(cached, call_site)).await;
    };
    // The statements of all shards are parts of one call.
    let load = load_as(cached, call_site);
    let load = |(shard, own): (Part, Vec<usize>)| {
        let entities = own.iter().map(|&at| entities[at].clone()).collect();
        async move {
            let loaded = load_at(&*shard.executor, entities, includes, load).await?;
            Ok(own.into_iter().zip(loaded).collect::<Vec<_>>())
        }
    };
    let loaded = scatter::each(groups.into_iter().map(load)).await?;
    let mut placed: Vec<_> = loaded.into_iter().flatten().collect();
    placed.sort_by_key(|(at, _)| *at);
    Ok(placed.into_iter().map(|(_, graph)| graph).collect())
}

async fn load_at<E: Entity, I: IncludeList<E, Row = E>>(
    executor: &dyn Executor,
    entities: Vec<E>,
    includes: &I,
    load: Load,
) -> Result<Vec<I::Output>> {
    let mut specs = Vec::new();
    includes.specs(&mut specs);
    let mut store = Rows::<E, _>::new(includes.stores());
    let keys = |columns: &[usize]| {
        entities
            .iter()
            .map(|entity| key_of(entity, columns))
            .collect()
    };
    let links = load_children(
        executor,
        Level::all(E::table()),
        specs,
        keys,
        &mut store,
        load,
    )
    .await?;
    includes
        .assemble(entities, store.children, links)
        .map_err(|error| error.at(load.call_site))
}

/// A load of its own.
fn load_as(cached: bool, call_site: &'static Location<'static>) -> Load {
    Load {
        strategy: Strategy::Auto,
        cached,
        consistent: false,
        number: next_load(),
        call_site,
    }
}
