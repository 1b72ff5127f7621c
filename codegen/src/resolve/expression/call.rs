//! Calls: methods by the table of signatures, and the three functions.

use super::checker::{Checker, HANDLE_NONE, value};
use super::names::{beneath_optional, listed};
use super::template;
use super::tree::{Node, NodeKind};
use crate::catalogue::expressions::{
    ARGUMENTS, LITERAL, NONE_NOT_HANDLED, NOT_HERE, NOT_YET, TEMPLATE, UNKNOWN_FUNCTION,
    UNKNOWN_METHOD,
};
use crate::diagnostic::Diagnostic;
use crate::model::{Expression, ExpressionKind, Method, Rounding, Type};
use crate::resolve::methods::{self, Shape, Signature};
use crate::source::Span;
use crate::suggest::nearest;
use crate::syntax::Text;

/// The functions.
const FUNCTIONS: &[&str] = &["now", "new_id", "format"];

/// Most digits after the point.
const MAX_SCALE: i64 = 28;

impl Checker<'_> {
    /// `x.len()`
    pub(super) fn method(
        &mut self,
        receiver: &Node,
        name: &Text,
        arguments: &[Node],
    ) -> Option<Expression> {
        let receiver_span = receiver.span;
        let receiver = self.infer(receiver, None)?;
        let Some(signature) = methods::find(&receiver.result, &name.value) else {
            return self.unknown_method(&receiver, name, receiver_span);
        };
        let Some(method) = signature.method else {
            let shown = self.show(&receiver.result);
            let title = format!("the method `{}` of `{shown}` is not supported yet", name.value);
            return self.refuse(Diagnostic::error(&NOT_YET, title, name.span, "not yet"));
        };
        if arguments.len() != signature.parameters.len() {
            return self.wrong_count(signature, name, arguments);
        }
        let Some(result) = shape(signature.result, &receiver.result) else {
            let title = "elements that may be none cannot be taken out of a list yet";
            return self.refuse(Diagnostic::error(&NOT_YET, title, name.span, "not yet"));
        };
        let mut method = method;
        let mut checked = Vec::new();
        let mut sound = true;
        for ((_, parameter), argument) in signature.parameters.iter().zip(arguments) {
            if *parameter == Shape::Rounding {
                match self.rounding(argument) {
                    Some(rounding) => method = Method::Div(rounding),
                    None => sound = false,
                }
                continue;
            }
            match self.argument(*parameter, argument, &receiver.result) {
                Some(argument) => checked.push(argument),
                None => sound = false,
            }
        }
        sound &= self.scale_in_range(method, arguments, &checked).is_some();
        let call = ExpressionKind::Call(method, Box::new(receiver), checked);
        sound.then(|| value(call, result))
    }

    fn argument(
        &mut self,
        parameter: Shape,
        argument: &Node,
        receiver: &Type,
    ) -> Option<Expression> {
        let expected = shape(parameter, receiver)?;
        self.check(argument, &expected)
    }

    fn rounding(&mut self, argument: &Node) -> Option<Rounding> {
        let name = match &argument.kind {
            NodeKind::Name(name) => name.as_str(),
            _ => "",
        };
        match name {
            "half_even" => Some(Rounding::HalfEven),
            "half_up" => Some(Rounding::HalfUp),
            _ => {
                let title = "rounding is `half_even` or `half_up`";
                let found =
                    Diagnostic::error(&ARGUMENTS, title, argument.span, "not a way to round");
                self.refuse(found.help(
                    "`half_even` sends 0.5 to 0 and 1.5 to 2, `half_up` sends both away from zero",
                ))
            }
        }
    }

    /// A literal number of digits must be one that a decimal can have.
    fn scale_in_range(
        &mut self,
        method: Method,
        arguments: &[Node],
        checked: &[Expression],
    ) -> Option<()> {
        let at = match method {
            Method::Round => 0,
            Method::Div(_) => 1,
            _ => return Some(()),
        };
        match checked.get(at).map(|scale| &scale.kind) {
            Some(ExpressionKind::Integer(scale)) if !(0..=MAX_SCALE).contains(scale) => {
                let title =
                    format!("a decimal has 0 to {MAX_SCALE} digits after the point, not {scale}");
                let span = arguments.get(at).map(|argument| argument.span)?;
                self.refuse(Diagnostic::error(&LITERAL, title, span, "out of range"))
            }
            _ => Some(()),
        }
    }

    fn wrong_count<T>(
        &mut self,
        signature: &Signature,
        name: &Text,
        arguments: &[Node],
    ) -> Option<T> {
        let wanted = signature.parameters.len();
        let plural = if wanted == 1 { "" } else { "s" };
        let title = format!(
            "`{}` takes {wanted} argument{plural}, {} are given",
            name.value,
            arguments.len()
        );
        let names: Vec<&str> = signature.parameters.iter().map(|(name, _)| *name).collect();
        let form = format!("`.{}({})`: {}", name.value, names.join(", "), signature.what);
        self.refuse(Diagnostic::error(&ARGUMENTS, title, name.span, "this method").help(form))
    }

    fn unknown_method<T>(&mut self, receiver: &Expression, name: &Text, place: Span) -> Option<T> {
        let of = &receiver.result;
        let shown = self.show(of);
        let present = matches!(name.value.as_str(), "is_some" | "is_none" | "unwrap_or" | "or");
        if present && methods::find(of, &name.value).is_none() {
            let title = format!("`{shown}` is never none here, so `{}` has no meaning", name.value);
            let found =
                Diagnostic::error(&UNKNOWN_METHOD, title, place, format!("this is `{shown}`"));
            return self.refuse(found.help("remove the call, and what depends on it"));
        }
        if methods::find(beneath_optional(of), &name.value).is_some() {
            let title = format!("`{}` needs a value, but this may be none", name.value);
            let found =
                Diagnostic::error(&NONE_NOT_HANDLED, title, place, format!("this is `{shown}`"));
            return self.refuse(found.help(HANDLE_NONE));
        }
        let title = format!("`{shown}` has no method `{}`", name.value);
        let found = Diagnostic::error(&UNKNOWN_METHOD, title, name.span, "unknown method");
        let names = methods::names(of);
        self.refuse(match nearest(&name.value, names.iter().copied()) {
            Some(meant) => found.help(format!("did you mean `{meant}`?")),
            None if names.is_empty() => found.help(format!("`{shown}` has no methods")),
            None => found.help(format!("`{shown}` has {}", listed(&names))),
        })
    }

    /// `now()`, `new_id()`, `format("…")`
    pub(super) fn function(
        &mut self,
        name: &Text,
        arguments: &[Node],
        span: Span,
    ) -> Option<Expression> {
        match name.value.as_str() {
            "format" => self.format(arguments, span),
            "now" | "new_id" if !self.scope.clock => {
                let title =
                    format!("`{}()` cannot be called in {}", name.value, self.scope.stands_in);
                let found = Diagnostic::error(&NOT_HERE, title, name.span, "not here");
                self.refuse(
                    found.note("what is folded again later must give the same result").help(
                        "keep the value in the event: the command that emits it may call this",
                    ),
                )
            }
            "now" | "new_id" if !arguments.is_empty() => {
                let title = format!("`{}` takes no argument", name.value);
                let found = Diagnostic::error(&ARGUMENTS, title, span, "called with something");
                self.refuse(found.help(format!("write `{}()`", name.value)))
            }
            "now" => Some(value(ExpressionKind::Now, Type::Timestamp)),
            "new_id" => Some(value(ExpressionKind::NewId, Type::Uuid)),
            "Some" => {
                let title = "`Some(…)` stands in patterns only";
                let found = Diagnostic::error(&UNKNOWN_FUNCTION, title, name.span, "not here");
                self.refuse(found.help("write the value itself: it becomes an optional by itself"))
            }
            other => self.unknown_function(other, name.span),
        }
    }

    fn unknown_function<T>(&mut self, name: &str, span: Span) -> Option<T> {
        let title = format!("there is no function `{name}`");
        let found = Diagnostic::error(&UNKNOWN_FUNCTION, title, span, "unknown function");
        let is_method = methods::METHODS.iter().any(|listed| listed.name == name);
        self.refuse(match nearest(name, FUNCTIONS.iter().copied()) {
            Some(meant) => found.help(format!("did you mean `{meant}`?")),
            None if is_method => found.help(format!("it is a method: write `x.{name}(…)`")),
            None => found.help(format!("the functions are {}", listed(FUNCTIONS))),
        })
    }

    fn format(&mut self, arguments: &[Node], span: Span) -> Option<Expression> {
        match arguments {
            [Node { kind: NodeKind::String(text, offsets), span }] => {
                let places = super::place::Places::within(*span, offsets.as_deref());
                template::pieces(self, text, places)
            }
            _ => {
                let title = "`format` takes one text in double quotes";
                let found = Diagnostic::error(&TEMPLATE, title, span, "not a text");
                self.refuse(found.help("write `format(\"{a} of {b}\")`: values stand in braces"))
            }
        }
    }
}

/// The type that a shape has for this receiver; none where the language has no such type.
fn shape(shape: Shape, receiver: &Type) -> Option<Type> {
    let element = || match receiver {
        Type::List(element) | Type::Optional(element) => element.as_ref().clone(),
        other => other.clone(),
    };
    Some(match shape {
        Shape::Receiver => receiver.clone(),
        Shape::Element => element(),
        Shape::OptionalElement => match element() {
            Type::Optional(_) => return None,
            plain => Type::Optional(Box::new(plain)),
        },
        Shape::String => Type::String,
        Shape::Integer => Type::Integer,
        Shape::Decimal => Type::Decimal(None),
        Shape::Boolean => Type::Boolean,
        Shape::Date => Type::Date,
        Shape::Rounding | Shape::Function => return None,
    })
}
