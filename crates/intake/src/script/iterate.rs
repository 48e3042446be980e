//! The functions that take a closure. Each works off a list that exists already, so a program
//! cannot loop longer than its document is.

use std::collections::HashMap;
use std::fmt;

use vrl::compiler::function::closure::{Definition, Input, Output, Runner, Variable, VariableKind};
use vrl::compiler::function::{
    ArgumentList, Closure, Compiled, Example, FunctionCompileContext, Parameter,
};
use vrl::compiler::state::TypeState;
use vrl::compiler::value::kind;
use vrl::compiler::{
    Context, Expression, ExpressionError, Function, FunctionExpression, Resolved, TypeDef,
};
use vrl::prelude::{Collection, Kind};
use vrl::value::{ObjectMap, Value};

use super::value::text;

/// What is done with the closure's results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    ForEach,
    Map,
    Filter,
    GroupBy,
}

impl Way {
    const ALL: [Way; 4] = [Way::ForEach, Way::Map, Way::Filter, Way::GroupBy];
}

#[derive(Clone, Copy, Debug)]
struct Iterate(Way);

/// The four functions.
pub(super) fn all() -> impl Iterator<Item = Box<dyn Function>> {
    Way::ALL.into_iter().map(|way| Box::new(Iterate(way)) as Box<dyn Function>)
}

const PARAMETERS: &[Parameter] =
    &[Parameter::required("value", kind::ARRAY, "the list; use list() on anything else")];

const EXAMPLE: Example = Example {
    title: "each item of a list",
    source: "map([1, 2]) -> |_index, item| { item }",
    input: None,
    result: Ok("[1, 2]"),
    file: file!(),
    line: line!(),
    deterministic: true,
    skip: false,
};

impl Function for Iterate {
    fn identifier(&self) -> &'static str {
        match self.0 {
            Way::ForEach => "for_each",
            Way::Map => "map",
            Way::Filter => "filter",
            Way::GroupBy => "group_by",
        }
    }

    fn usage(&self) -> &'static str {
        match self.0 {
            Way::ForEach => "runs the closure for each item",
            Way::Map => "the list of the closure's results",
            Way::Filter => "the items for which the closure gives true",
            Way::GroupBy => {
                "[{key, items}] by the text that the closure gives, in order of first \
                             appearance"
            }
        }
    }

    fn category(&self) -> &'static str {
        "Mapping"
    }

    fn return_kind(&self) -> u16 {
        if self.0 == Way::ForEach { kind::NULL } else { kind::ARRAY }
    }

    fn examples(&self) -> &'static [Example] {
        &[EXAMPLE]
    }

    fn parameters(&self) -> &'static [Parameter] {
        PARAMETERS
    }

    fn compile(
        &self,
        _state: &TypeState,
        _context: &mut FunctionCompileContext,
        arguments: ArgumentList,
    ) -> Compiled {
        let value = arguments.required("value");
        let closure = arguments.required_closure()?;
        Ok(Call { way: self.0, value, closure }.as_expr())
    }

    fn closure(&self) -> Option<Definition> {
        let output = match self.0 {
            Way::ForEach | Way::Map => Kind::any(),
            Way::Filter => Kind::boolean(),
            Way::GroupBy => Kind::bytes(),
        };
        Some(Definition {
            inputs: vec![Input {
                parameter_keyword: "value",
                kind: Kind::array(Collection::any()),
                variables: vec![
                    Variable { kind: VariableKind::Exact(Kind::integer()) },
                    Variable { kind: VariableKind::Exact(Kind::any()) },
                ],
                output: Output::Kind(output),
                example: EXAMPLE,
            }],
            is_iterator: true,
            supports_break: self.0 == Way::ForEach,
        })
    }
}

#[derive(Clone)]
struct Call {
    way: Way,
    value: Box<dyn Expression>,
    closure: Closure,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.way)
    }
}

impl FunctionExpression for Call {
    fn resolve(&self, context: &mut Context) -> Resolved {
        let Value::Array(items) = self.value.resolve(context)? else { return Ok(Value::Null) };
        let block = &self.closure.block;
        let runner = Runner::new(&self.closure.variables, |context| block.resolve(context));
        let mut results = Vec::new();
        let mut groups: Vec<(String, Vec<Value>)> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        for (index, item) in items.into_iter().enumerate() {
            let result = match runner.run_index_value(context, index, &item) {
                Err(ExpressionError::Break { .. }) if self.way == Way::ForEach => break,
                other => other?,
            };
            match self.way {
                Way::ForEach => {}
                Way::Map => results.push(result),
                Way::Filter if result == Value::Boolean(true) => results.push(item),
                Way::Filter => {}
                Way::GroupBy => {
                    let key = text(&result);
                    let group = *known.entry(key.clone()).or_insert(groups.len());
                    match groups.get_mut(group) {
                        Some((_, members)) => members.push(item),
                        None => groups.push((key, vec![item])),
                    }
                }
            }
        }
        if self.way == Way::ForEach {
            return Ok(Value::Null);
        }
        results.extend(groups.into_iter().map(|(key, members)| {
            let mut group = ObjectMap::new();
            group.insert("key".into(), Value::from(key));
            group.insert("items".into(), Value::Array(members));
            Value::Object(group)
        }));
        Ok(Value::Array(results))
    }

    fn type_def(&self, _: &TypeState) -> TypeDef {
        match self.way {
            Way::ForEach => TypeDef::null().infallible(),
            _ => TypeDef::array(Collection::any()).infallible(),
        }
    }
}
