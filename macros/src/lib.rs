//! The derives of [entourage](https://docs.rs/entourage): `Entity`, `View`, `Embedded`, `DbEnum`, `DbNewtype` and `Shape`;
//! and what its assertions need of a compiler's plug-in.
//!
//! Use them through that crate, whose documentation has the reference of all attributes. A derive runs in four
//! stages, each of which knows the model and none a later stage: `parse` reads attributes with their spans, `model`
//! resolves every name and default, `validate` applies one function per rule, and `expand` writes the code and cannot
//! fail. All errors of a derive are reported together; after an error the expansion of what remains sound keeps the
//! compiler from reporting the consequences.
mod derive;
mod diagnostics;
mod expand;
mod graph;
mod model;
mod parse;
mod testing;
#[cfg(test)]
mod tests;
mod validate;

use proc_macro::TokenStream;

/// Makes a struct of columns an entity: one row of a table.
#[proc_macro_derive(Entity, attributes(entity))]
pub fn derive_entity(input: TokenStream) -> TokenStream {
    derive::entity(input.into()).into()
}

/// Makes a struct of columns a view: one row of a query that the database knows by name.
#[proc_macro_derive(View, attributes(view))]
pub fn derive_view(input: TokenStream) -> TokenStream {
    derive::view(input.into()).into()
}

/// Makes a struct of columns one that entities embed.
#[proc_macro_derive(Embedded, attributes(entity))]
pub fn derive_embedded(input: TokenStream) -> TokenStream {
    derive::embedded(input.into()).into()
}

/// Makes an enum without data a column type, stored as text or as a number.
#[proc_macro_derive(DbEnum, attributes(db_enum))]
pub fn derive_db_enum(input: TokenStream) -> TokenStream {
    derive::db_enum(input.into()).into()
}

/// Makes a struct around one column type a column type of its own.
#[proc_macro_derive(DbNewtype)]
pub fn derive_db_newtype(input: TokenStream) -> TokenStream {
    derive::db_newtype(input.into()).into()
}

/// Makes a struct a named graph: columns of an entity, shapes of its relations, and figures.
#[proc_macro_derive(Shape, attributes(shape))]
pub fn derive_shape(input: TokenStream) -> TokenStream {
    derive::shape(input.into()).into()
}

/// The type of a graph, by the names of its relations.
#[proc_macro]
#[allow(non_snake_case, reason = "it stands where a type stands")]
pub fn Graph(input: TokenStream) -> TokenStream {
    graph::graph(input.into()).into()
}

/// Runs a test function within a budget of statements.
#[proc_macro_attribute]
pub fn query_budget(arguments: TokenStream, item: TokenStream) -> TokenStream {
    testing::budget(arguments.into(), item.into()).into()
}

/// A block within a scope; what the assertions expand to.
#[doc(hidden)]
#[proc_macro]
pub fn within(input: TokenStream) -> TokenStream {
    testing::within(input.into()).into()
}
