//! Arguments of raw SQL.
use std::fmt;

use crate::schema::{ColumnValue, Value};

/// The arguments of raw SQL, written with [`args!`](crate::args).
#[derive(Clone, Default)]
pub struct Args(Vec<Value>);

/// The values of raw SQL's placeholders, in order: anything that can be stored in a column, texts and bytes by
/// reference too.
///
/// ```
/// use entourage::args;
///
/// let name = String::from("Ada");
/// assert_eq!(args![7, &name, "x", None::<i64>].len(), 4);
/// assert!(args![].is_empty());
/// ```
#[macro_export]
macro_rules! args {
    () => { $crate::repository::Args::default() };
    ($($value:expr),+ $(,)?) => {{
        #[allow(unused_imports, reason = "every value calls the trait's method")]
        use $crate::__private::Argument as _;
        $crate::repository::Args::from(::std::vec![$((&$value).to_argument()),+])
    }};
}

impl Args {
    /// Adds one more argument.
    pub fn push(&mut self, value: &(impl Argument + ?Sized)) {
        self.0.push(value.to_argument());
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn into_values(self) -> Vec<Value> {
        self.0
    }
}

impl From<Vec<Value>> for Args {
    fn from(values: Vec<Value>) -> Self {
        Self(values)
    }
}

/// The number only: values stay out of logs.
impl fmt::Debug for Args {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} arguments", self.0.len())
    }
}

/// What can be an argument of raw SQL.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of raw SQL",
    label = "not a column type",
    note = "give a value that can be stored in a column, a `&str` or a `&[u8]`"
)]
pub trait Argument {
    /// The value to bind.
    fn to_argument(&self) -> Value;
}

impl<T: ColumnValue> Argument for T {
    fn to_argument(&self) -> Value {
        self.to_value()
    }
}

impl Argument for str {
    fn to_argument(&self) -> Value {
        Value::String(Some(self.to_owned()))
    }
}

impl Argument for [u8] {
    fn to_argument(&self) -> Value {
        Value::Bytes(Some(self.to_vec()))
    }
}

impl Argument for Option<&str> {
    fn to_argument(&self) -> Value {
        Value::String(self.map(str::to_owned))
    }
}
