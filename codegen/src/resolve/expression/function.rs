//! Functions, `|x| x.price`: arguments of methods, with the types of their parameters from the signature.

use super::checker::{Checker, HANDLE_NONE, convert, value};
use super::newtype::plain;
use super::operators::is_ordered;
use super::shapes::{Bound, can_be_added};
use super::tree::{Node, NodeKind};
use crate::catalogue::expressions::{
    FUNCTION_EXPECTED, FUNCTION_NOT_HERE, FUNCTION_RESULT, NONE_NOT_HANDLED,
};
use crate::diagnostic::Diagnostic;
use crate::model::{Expression, ExpressionKind, Parameter, Type};
use crate::resolve::methods::Shape;
use crate::resolve::types::{KEY_TYPES, is_key};
use crate::source::Span;
use crate::syntax::Text;

impl Checker<'_> {
    /// A function where no method takes one.
    pub(super) fn function_not_here<T>(&mut self, span: Span) -> Option<T> {
        let title = "a function is no value";
        let found = Diagnostic::error(&FUNCTION_NOT_HERE, title, span, "not here");
        self.refuse(
            found.help(
                "it stands where a method takes one, as `lines.any(|line| line.quantity > 1)`",
            ),
        )
    }

    /// An argument that must be a function from these shapes to that one. `form` is how it is written.
    pub(super) fn function_argument(
        &mut self,
        form: &str,
        (parameters, result): (&[Shape], Shape),
        argument: &Node,
        bound: &mut Bound<'_>,
    ) -> Option<Expression> {
        let NodeKind::Closure(names, body) = &argument.kind else {
            let title = "a function is expected here";
            let found =
                Diagnostic::error(&FUNCTION_EXPECTED, title, argument.span, "not a function");
            return self.refuse(found.help(format!("write it as `{form}`")));
        };
        if names.len() != parameters.len() {
            let (given, plural) = (parameters.len(), if parameters.len() == 1 { "" } else { "s" });
            let title =
                format!("the function is given {given} value{plural}, and names {}", names.len());
            let found =
                Diagnostic::error(&FUNCTION_EXPECTED, title, argument.span, "this function");
            return self.refuse(found.help(format!("write it as `{form}`")));
        }
        let types = parameters.iter().map(|shape| bound.type_of(*shape).ok());
        let types: Vec<Type> = types.collect::<Option<_>>()?;
        let named: Vec<(Option<&Text>, Type)> =
            names.iter().map(Option::as_ref).zip(types).collect();
        self.functions += 1;
        let checked =
            self.with_parameters(&named, |checker| checker.function_body(body, result, bound));
        self.functions -= 1;
        let (body, parameters) = checked?;
        let result = body.result.clone();
        Some(value(ExpressionKind::Closure(parameters, Box::new(body)), result))
    }

    /// Checks a body within which these are in view.
    fn with_parameters(
        &mut self,
        named: &[(Option<&Text>, Type)],
        check: impl FnOnce(&mut Self) -> Option<Expression>,
    ) -> Option<(Expression, Vec<Parameter>)> {
        let Some(((name, of), rest)) = named.split_first() else {
            return Some((check(self)?, Vec::new()));
        };
        let Some(name) = name else {
            let (body, mut parameters) = self.with_parameters(rest, check)?;
            parameters.insert(0, Parameter { local: None, of: of.clone() });
            return Some((body, parameters));
        };
        let inner =
            self.with_local(name, Some(of.clone()), |checker| checker.with_parameters(rest, check));
        let ((body, mut parameters), local) = inner?;
        parameters.insert(0, Parameter { local: Some(local), of: of.clone() });
        Some((body, parameters))
    }

    /// The body of a function whose result has this shape.
    fn function_body(
        &mut self,
        body: &Node,
        result: Shape,
        bound: &mut Bound<'_>,
    ) -> Option<Expression> {
        if let Ok(known) = bound.type_of(result) {
            return self.check(body, &known);
        }
        let wanted = result_wanted(result, bound);
        let found = self.infer(body, wanted.as_ref())?;
        // A named value is added and put in order as the value that it is.
        let found = match result {
            Shape::Sum | Shape::Ordered => plain(found),
            _ => found,
        };
        // What the place of the call asks for, if the body becomes it by itself.
        let found = match &wanted {
            Some(wanted) => convert(found, wanted).unwrap_or_else(|found| found),
            None => found,
        };
        let found = match result {
            Shape::Optional(_) if !matches!(found.result, Type::Optional(_)) => {
                let result = Type::Optional(Box::new(found.result.clone()));
                value(ExpressionKind::Some(Box::new(found)), result)
            }
            _ => found,
        };
        self.check_result(&found.result, result, body.span)?;
        bound.take(result, &found.result);
        Some(found)
    }

    /// Whether a function may give this where its result has this shape.
    fn check_result(&mut self, of: &Type, shape: Shape, span: Span) -> Option<()> {
        let shown = self.show(of);
        let label = format!("this is `{shown}`");
        let (fits, what) = match shape {
            Shape::Sum => (can_be_added(of), "is no number, so it cannot be added"),
            Shape::Ordered => (is_ordered(of), "has no order: none is less than another"),
            Shape::List(_) => (matches!(of, Type::List(_)), "is no list"),
            Shape::NewKey => (is_key(of), "cannot be the key of a map"),
            _ => return Some(()),
        };
        if fits {
            return Some(());
        }
        if let Type::Optional(_) = of {
            let title = "the function must give a value, but this may be none";
            let found = Diagnostic::error(&NONE_NOT_HANDLED, title, span, label);
            return self.refuse(found.help(HANDLE_NONE));
        }
        let title = format!("what the function gives, `{shown}`, {what}");
        let found = Diagnostic::error(&FUNCTION_RESULT, title, span, label);
        self.refuse(match shape {
            Shape::Sum => found.help("numbers and spans of time can be added"),
            Shape::Ordered => found.help("numbers, texts, times and days have an order"),
            Shape::NewKey => found.help(format!("{KEY_TYPES} can be")),
            _ => found.help("give a list, or use `map` for one value of each element"),
        })
    }
}

/// What the place of the call asks of the body.
fn result_wanted(shape: Shape, bound: &Bound<'_>) -> Option<Type> {
    if shape == Shape::NewKey {
        return bound.wanted_key();
    }
    let wanted = bound.wanted.clone()?;
    Some(match shape {
        Shape::Result | Shape::Sum | Shape::Ordered => wanted,
        Shape::Optional(_) if matches!(wanted, Type::Optional(_)) => wanted,
        Shape::Optional(_) => Type::Optional(Box::new(wanted)),
        Shape::List(_) => Type::List(Box::new(wanted)),
        _ => return None,
    })
}
