//! What the OpenAPI document says of a route: parameters, bodies, answers.

/// How a value looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Any text.
    Text,
    /// `true` or `false`.
    Flag,
    /// A whole number that is not negative.
    Number,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Lower-case hexadecimal of so many characters.
    Hex(u32),
    /// Several texts, each given under the same name.
    Texts,
    /// Bytes.
    Bytes,
    /// The schema of this name in `docs/reference/schemas`.
    Schema(&'static str),
    /// An array of that.
    ListOf(&'static str),
}

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the path.
    Path,
    /// In the query.
    Query,
    /// In a header.
    Header,
}

/// A parameter.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Where it stands.
    pub place: Place,
    /// Whether nothing is done without it.
    pub is_required: bool,
    /// What it says.
    pub what: &'static str,
    /// How it looks.
    pub shape: Shape,
}

/// A body that is sent, or an answer.
#[derive(Debug, Clone)]
pub struct Content {
    /// Its content types.
    pub types: &'static [&'static str],
    /// How it looks.
    pub shape: Shape,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// When it is given.
    pub what: &'static str,
    /// Its body.
    pub content: Option<Content>,
    /// Headers that it has beyond those of every answer.
    pub headers: Vec<(&'static str, &'static str)>,
}

/// What the OpenAPI document says of a route.
#[derive(Debug, Clone, Default)]
pub struct Operation {
    /// Name in client libraries; `None` for what is no part of the API.
    pub id: Option<&'static str>,
    /// One sentence.
    pub summary: &'static str,
    /// What else is to know.
    pub detail: &'static str,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
    /// What is sent.
    pub body: Option<Content>,
    /// Its answers, but problems.
    pub answers: Vec<Answer>,
    /// Statuses of the problems that it answers beyond those which its access, parameters and body
    /// bring about.
    pub problems: Vec<u16>,
    /// Whether further query parameters are taken, as those of an EPCIS query.
    pub takes_more: bool,
}

/// Content type of JSON.
pub(crate) const JSON: &[&str] = &["application/json"];

impl Operation {
    /// A page: it is no part of the OpenAPI document.
    pub(crate) fn page(summary: &'static str) -> Self {
        Self { summary, ..Self::default() }
    }

    /// An operation of the API.
    pub(crate) fn api(id: &'static str, summary: &'static str) -> Self {
        Self { id: Some(id), summary, ..Self::default() }
    }

    /// Says more.
    pub(crate) fn detail(mut self, detail: &'static str) -> Self {
        self.detail = detail;
        self
    }

    /// A parameter in the path.
    pub(crate) fn path(mut self, name: &'static str, shape: Shape, what: &'static str) -> Self {
        let place = Place::Path;
        self.parameters.push(Parameter { name, place, is_required: true, what, shape });
        self.problems.push(404);
        self
    }

    /// A parameter that may stand in the query.
    pub(crate) fn query(mut self, name: &'static str, shape: Shape, what: &'static str) -> Self {
        let place = Place::Query;
        self.parameters.push(Parameter { name, place, is_required: false, what, shape });
        self
    }

    /// A parameter that must stand in the query.
    pub(crate) fn needs(mut self, name: &'static str, shape: Shape, what: &'static str) -> Self {
        let place = Place::Query;
        self.parameters.push(Parameter { name, place, is_required: true, what, shape });
        self
    }

    /// A header that may be given.
    pub(crate) fn header(mut self, name: &'static str, shape: Shape, what: &'static str) -> Self {
        let place = Place::Header;
        self.parameters.push(Parameter { name, place, is_required: false, what, shape });
        self
    }

    /// Further query parameters are taken.
    pub(crate) fn takes_more(mut self) -> Self {
        self.takes_more = true;
        self
    }

    /// A body.
    pub(crate) fn takes(mut self, types: &'static [&'static str], shape: Shape) -> Self {
        self.body = Some(Content { types, shape });
        self
    }

    /// An answer with a body.
    pub(crate) fn gives(
        mut self,
        status: u16,
        types: &'static [&'static str],
        shape: Shape,
        what: &'static str,
    ) -> Self {
        let content = Some(Content { types, shape });
        self.answers.push(Answer { status, what, content, headers: Vec::new() });
        self
    }

    /// An answer without a body.
    pub(crate) fn done(mut self, status: u16, what: &'static str) -> Self {
        self.answers.push(Answer { status, what, content: None, headers: Vec::new() });
        self
    }

    /// A header of the last answer.
    pub(crate) fn with(mut self, name: &'static str, what: &'static str) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.headers.push((name, what));
        }
        self
    }

    /// Problems of these statuses.
    pub(crate) fn refuses(mut self, statuses: &[u16]) -> Self {
        self.problems.extend_from_slice(statuses);
        self
    }
}
