//! The table of functions that a mapping can call.
//!
//! Every function takes any value and never fails: what does not fit gives null or an empty
//! value, and the resolver says at which place something is missing. So a mapping reads as a
//! list of fields, not as error handling.

use std::fmt;

use vrl::compiler::function::{ArgumentList, Compiled, Example, FunctionCompileContext, Parameter};
use vrl::compiler::state::TypeState;
use vrl::compiler::value::kind;
use vrl::compiler::{Context, Expression, Function, FunctionExpression, Resolved, TypeDef};
use vrl::prelude::Collection;
use vrl::value::Value;

use super::{iterate, list, text};

/// What a function gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gives {
    Text,
    Boolean,
    Integer,
    List,
    Object,
    Any,
}

impl Gives {
    fn type_def(self) -> TypeDef {
        match self {
            Gives::Text => TypeDef::bytes(),
            Gives::Boolean => TypeDef::boolean(),
            Gives::Integer => TypeDef::integer(),
            Gives::List => TypeDef::array(Collection::any()),
            Gives::Object => TypeDef::object(Collection::any()),
            Gives::Any => TypeDef::any(),
        }
    }

    fn bits(self) -> u16 {
        match self {
            Gives::Text => kind::BYTES,
            Gives::Boolean => kind::BOOLEAN,
            Gives::Integer => kind::INTEGER,
            Gives::List => kind::ARRAY,
            Gives::Object => kind::OBJECT,
            Gives::Any => kind::ANY,
        }
    }
}

/// One function: a row of the table.
#[derive(Clone, Copy)]
pub(super) struct Pure {
    pub(super) name: &'static str,
    pub(super) usage: &'static str,
    pub(super) parameters: &'static [Parameter],
    pub(super) gives: Gives,
    pub(super) run: fn(Vec<Value>) -> Value,
}

impl fmt::Debug for Pure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

const fn any(keyword: &'static str) -> Parameter {
    Parameter::required(keyword, kind::ANY, "any value")
}

const fn maybe(keyword: &'static str) -> Parameter {
    Parameter::optional(keyword, kind::ANY, "any value")
}

/// One value.
pub(super) const ONE: &[Parameter] = &[any("value")];
/// A value and what to do with it.
pub(super) const TWO: &[Parameter] = &[any("value"), any("by")];
/// A value, what to look for, and what to put there.
pub(super) const THREE: &[Parameter] = &[any("value"), any("by"), any("with")];
/// A value, and optionally what to do with it.
pub(super) const ONE_TWO: &[Parameter] = &[any("value"), maybe("by")];
/// A value, what to look for, optionally a third.
pub(super) const TWO_THREE: &[Parameter] = &[any("value"), any("by"), maybe("with")];
/// Three values, optionally a fourth.
pub(super) const THREE_FOUR: &[Parameter] = &[any("value"), any("by"), any("with"), maybe("and")];

impl Function for Pure {
    fn identifier(&self) -> &'static str {
        self.name
    }

    fn usage(&self) -> &'static str {
        self.usage
    }

    fn summary(&self) -> &'static str {
        self.usage
    }

    fn category(&self) -> &'static str {
        "Mapping"
    }

    fn return_kind(&self) -> u16 {
        self.gives.bits()
    }

    fn examples(&self) -> &'static [Example] {
        &[]
    }

    fn parameters(&self) -> &'static [Parameter] {
        self.parameters
    }

    fn compile(
        &self,
        _state: &TypeState,
        _context: &mut FunctionCompileContext,
        arguments: ArgumentList,
    ) -> Compiled {
        let arguments =
            self.parameters.iter().map(|parameter| arguments.optional(parameter.keyword)).collect();
        Ok(Call { function: *self, arguments }.as_expr())
    }
}

#[derive(Debug, Clone)]
struct Call {
    function: Pure,
    arguments: Vec<Option<Box<dyn Expression>>>,
}

impl FunctionExpression for Call {
    fn resolve(&self, context: &mut Context) -> Resolved {
        let mut values = Vec::with_capacity(self.arguments.len());
        for argument in &self.arguments {
            values.push(match argument {
                Some(argument) => argument.resolve(context)?,
                None => Value::Null,
            });
        }
        Ok((self.function.run)(values))
    }

    fn type_def(&self, _: &TypeState) -> TypeDef {
        self.function.gives.type_def().infallible()
    }
}

/// Every function that a mapping can call.
#[must_use]
pub fn all() -> Vec<Box<dyn Function>> {
    let pure = text::TABLE.iter().chain(list::TABLE);
    let mut functions: Vec<Box<dyn Function>> =
        pure.map(|function| Box::new(*function) as Box<dyn Function>).collect();
    functions.extend(iterate::all());
    functions
}

/// Name and one line of usage of every function, for the reference.
#[must_use]
pub fn names() -> Vec<(&'static str, &'static str)> {
    all().iter().map(|function| (function.identifier(), function.usage())).collect()
}
