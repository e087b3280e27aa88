//! Checks of what users send: every field that is wrong is told, not only the first.
use crate::error::Error;

/// What is wrong with a form so far.
#[derive(Debug, Default)]
pub struct Checks {
    errors: Vec<(&'static str, String)>,
}

impl Checks {
    /// A text that must be there, without blanks around it. Where something is wrong, the value is not used.
    pub fn required(
        &mut self,
        field: &'static str,
        value: Option<String>,
        longest: usize,
    ) -> String {
        let value = self.text(field, value.unwrap_or_default(), longest);
        if value.is_empty() {
            self.wrong(field, "can't be blank");
        }
        value
    }

    /// A text that must not be empty if it is given.
    pub fn given(
        &mut self,
        field: &'static str,
        value: Option<String>,
        longest: usize,
    ) -> Option<String> {
        value.map(|value| self.required(field, Some(value), longest))
    }

    /// A text that may be empty.
    pub fn free(
        &mut self,
        field: &'static str,
        value: Option<String>,
        longest: usize,
    ) -> Option<String> {
        value.map(|value| self.text(field, value, longest))
    }

    /// An address in lower case.
    pub fn email(&mut self, value: Option<String>, longest: usize) -> String {
        let email = self.required("email", value, longest).to_lowercase();
        let valid = |(name, host): (&str, &str)| !name.is_empty() && !host.is_empty();
        if !email.is_empty() && !email.split_once('@').is_some_and(valid) {
            self.wrong("email", "is invalid");
        }
        email
    }

    /// A text without blanks around it, of at most `longest` characters.
    pub fn text(&mut self, field: &'static str, value: String, longest: usize) -> String {
        // PostgreSQL has no such character in a text.
        if value.contains('\0') {
            self.wrong(field, "is invalid");
        }
        if value.chars().count() > longest {
            self.wrong(
                field,
                &format!("is too long (at most {longest} characters)"),
            );
        }
        value.trim().to_owned()
    }

    fn wrong(&mut self, field: &'static str, message: &str) {
        self.errors.push((field, message.to_owned()));
    }

    /// Ends the checks.
    ///
    /// # Errors
    /// 422 with everything that was wrong.
    pub fn finish(self) -> Result<(), Error> {
        match self.errors.is_empty() {
            true => Ok(()),
            false => Err(Error::unprocessable(self.errors)),
        }
    }
}
