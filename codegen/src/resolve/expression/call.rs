//! Calls: methods by the table of signatures, and the three functions.

use super::checker::{Checker, HANDLE_NONE, value};
use super::derived::is_state;
use super::names::{beneath_optional, listed};
use super::newtype::plain;
use super::operators::is_ordered;
use super::shapes::{self, Bound};
use super::template;
use super::tree::{Node, NodeKind};
use crate::catalogue::expressions::{
    ARGUMENTS, ELEMENTS, LITERAL, NEW_ID_IN_FUNCTION, NONE_NOT_HANDLED, NOT_HERE, NOT_YET,
    PATTERN_TEXT, TEMPLATE, UNKNOWN_FUNCTION, UNKNOWN_METHOD,
};
use crate::diagnostic::Diagnostic;
use crate::model::{Expression, ExpressionKind, Method, Rounding, Type};
use crate::resolve::methods::{self, Elements, Shape, Signature};
use crate::resolve::pattern;
use crate::source::Span;
use crate::suggest::nearest;
use crate::syntax::Text;

/// The functions.
const FUNCTIONS: &[&str] = &["now", "new_id", "format"];

/// What a pattern looks like.
const PATTERN_HELP: &str = "a pattern is a regular expression: `[A-Z]{3}` for three capitals, `[0-9]+` for digits, `a|b` for either";

/// Most digits after the point.
const MAX_SCALE: i64 = 28;

impl Checker<'_> {
    /// `x.len()`
    pub(super) fn method(
        &mut self,
        receiver: &Node,
        name: &Text,
        arguments: &[Node],
        expected: Option<&Type>,
    ) -> Option<Expression> {
        if let Some(scope) = self.state_asked(receiver, name) {
            return self.derived_function(scope, name, arguments);
        }
        if let Some(scope) = self.state_named(receiver) {
            return self.unknown_derived(scope, name);
        }
        let receiver_span = receiver.span;
        let receiver = self.receiver(receiver, name, arguments, expected)?;
        let receiver = match receiver.result {
            Type::Newtype(..) => plain(receiver),
            _ => receiver,
        };
        let mut of = receiver.result.clone();
        if name.value == "unwrap_or" && self.is_beyond_digits(&of, arguments) {
            // What is calculated with is any decimal; the digits are those of what is stored.
            of = Type::Optional(Box::new(Type::Decimal(None)));
        }
        let Some(signature) = methods::find(&of, &name.value, arguments.len()) else {
            return self.unknown_method(&receiver, name, receiver_span);
        };
        let mut method = signature.method;
        if arguments.len() != signature.parameters.len() {
            return self.wrong_count(signature, name, arguments);
        }
        self.check_elements(signature, &of, receiver_span)?;
        let mut bound = Bound::new(&of, signature.result, expected);
        if method == Method::ListFold {
            self.start_as_decimal(signature, arguments, &mut bound);
        }
        let mut checked = Vec::new();
        let mut sound = true;
        for ((form, parameter), argument) in signature.parameters.iter().zip(arguments) {
            if *parameter == Shape::Rounding {
                match self.rounding(argument) {
                    Some(rounding) => method = Method::Div(rounding),
                    None => sound = false,
                }
                continue;
            }
            match self.argument(form, *parameter, argument, &mut bound) {
                Some(argument) => checked.push(argument),
                None => sound = false,
            }
        }
        sound &= self.scale_in_range(method, arguments, &checked).is_some();
        if !sound {
            return None;
        }
        let result = match bound.type_of(signature.result) {
            Ok(result) if signature.elements == Elements::Sum => shapes::calculated(&result),
            Ok(result) => result,
            Err(_) => return self.nested_optional(method, name),
        };
        Some(value(ExpressionKind::Call(method, Box::new(receiver), checked), result))
    }

    /// What a method is called on. In `[Open, Closed].contains(status)` the argument tells what the
    /// elements are.
    fn receiver(
        &mut self,
        node: &Node,
        name: &Text,
        arguments: &[Node],
        expected: Option<&Type>,
    ) -> Option<Expression> {
        // What is written out, as an empty map, has the type of the result where the method keeps it.
        let kept = expected.map(beneath_optional).filter(|of| {
            let method = methods::find(of, &name.value, arguments.len());
            matches!((&node.kind, of), (NodeKind::List(_), Type::Set(_) | Type::Map(..)))
                && method.is_some_and(|method| method.result == Shape::Receiver)
        });
        if kept.is_some() {
            return self.infer(node, kept);
        }
        let (NodeKind::List(_), "contains", [argument]) =
            (&node.kind, name.value.as_str(), arguments)
        else {
            return self.infer(node, None);
        };
        if !self.needs_context(node) || self.needs_context(argument) {
            return self.infer(node, None);
        }
        let (element, _) = self.quietly(|probe| probe.infer(argument, None));
        let hint =
            element.map(|element| Type::List(Box::new(beneath_optional(&element.result).clone())));
        self.infer(node, hint.as_ref())
    }

    /// Whether the method takes a list of these elements.
    fn check_elements(&mut self, signature: &Signature, of: &Type, span: Span) -> Option<()> {
        let element = shapes::element(of);
        let (fits, what) = match signature.elements {
            Elements::Any => (true, ""),
            Elements::Sum => (shapes::can_be_added(element), "cannot be added"),
            Elements::Ordered => (is_ordered(element), "are not less or greater than each other"),
        };
        if fits {
            return Some(());
        }
        let shown = self.show(element);
        let title = format!("elements of `{shown}` {what}");
        let found =
            Diagnostic::error(&ELEMENTS, title, span, format!("this is `{}`", self.show(of)));
        let by_function = methods::methods().find(|other| {
            let name = other.name.strip_suffix("_by").unwrap_or(other.name);
            other.receiver == signature.receiver && name == signature.name && other.takes_function()
        });
        self.refuse(match by_function {
            Some(other) => found.help(format!(
                "say what of each element counts: `.{}({})`",
                other.name,
                other.form()
            )),
            None => found,
        })
    }

    fn argument(
        &mut self,
        form: &str,
        parameter: Shape,
        argument: &Node,
        bound: &mut Bound<'_>,
    ) -> Option<Expression> {
        if let Shape::Function(parameters, result) = parameter {
            return self.function_argument(form, (parameters, *result), argument, bound);
        }
        if parameter == Shape::Pattern {
            return self.pattern_argument(argument);
        }
        if let Ok(expected) = bound.type_of(parameter) {
            return self.check(argument, &expected);
        }
        let is_none = matches!(&argument.kind, NodeKind::Name(name) if name == "none");
        let hint = if is_none { bound.expected } else { bound.wanted.as_ref() };
        let found = self.infer(argument, hint)?;
        bound.take(parameter, &found.result);
        Some(found)
    }

    /// `fold(0, |sum, line| sum + line.price)`: a number that is written out is a decimal where the
    /// function needs one.
    fn start_as_decimal(&self, signature: &Signature, arguments: &[Node], bound: &mut Bound<'_>) {
        let [_, (form, Shape::Function(parameters, result))] = signature.parameters else {
            return;
        };
        let [start, function] = arguments else { return };
        if bound.wanted.is_some() || !is_number(start) {
            return;
        }
        let works = |of: Type| {
            let mut bound = Bound::new(bound.receiver, Shape::Any, None);
            bound.result = Some(of);
            let shape = (*parameters, **result);
            self.quietly(|probe| probe.function_argument(form, shape, function, &mut bound))
                .0
                .is_some()
        };
        if !works(Type::Integer) && works(Type::Decimal(None)) {
            bound.wanted = Some(Type::Decimal(None));
        }
    }

    /// A pattern for text, which must be written out to be checked.
    fn pattern_argument(&mut self, argument: &Node) -> Option<Expression> {
        let NodeKind::String(pattern, offsets) = &argument.kind else {
            let title = "a pattern must be written out";
            let found = Diagnostic::error(&PATTERN_TEXT, title, argument.span, "not a text");
            let note = "a pattern is checked now, not when it meets its first text";
            return self.refuse(found.note(note).help("write it as `\"[A-Z]{3}\"`"));
        };
        match pattern::check(pattern) {
            Ok(()) => Some(value(ExpressionKind::String(pattern.clone()), Type::String)),
            Err(pattern::Fault { at, why }) => {
                let places = super::place::Places::within(argument.span, offsets.as_deref());
                let title = format!("`{pattern}` is no pattern: {why}");
                let found = Diagnostic::error(&PATTERN_TEXT, title, places.span(at), "here");
                self.refuse(found.help(PATTERN_HELP))
            }
        }
    }

    fn nested_optional<T>(&mut self, method: Method, name: &Text) -> Option<T> {
        if method == Method::OptionalMap {
            let title =
                "the function gives a value that may be none, so `map` would give none of none";
            let found = Diagnostic::error(&NONE_NOT_HANDLED, title, name.span, "not `map`");
            return self.refuse(found.help("write `and_then`: its function may give none"));
        }
        let title = "elements that may be none cannot be taken out of a list yet";
        self.refuse(Diagnostic::error(&NOT_YET, title, name.span, "not yet"))
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
        let form = format!("`.{}({})`: {}", name.value, signature.form(), signature.what);
        self.refuse(Diagnostic::error(&ARGUMENTS, title, name.span, "this method").help(form))
    }

    fn unknown_method<T>(&mut self, receiver: &Expression, name: &Text, place: Span) -> Option<T> {
        let of = &receiver.result;
        let shown = self.show(of);
        let present = matches!(name.value.as_str(), "is_some" | "is_none" | "unwrap_or" | "or");
        if present && !methods::has(of, &name.value) {
            let title = format!("`{shown}` is never none here, so `{}` has no meaning", name.value);
            let found =
                Diagnostic::error(&UNKNOWN_METHOD, title, place, format!("this is `{shown}`"));
            return self.refuse(found.help("remove the call, and what depends on it"));
        }
        if methods::has(beneath_optional(of), &name.value) {
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
            "new_id" if self.functions > 0 => {
                let title = "`new_id()` cannot be called in a function";
                let found = Diagnostic::error(&NEW_ID_IN_FUNCTION, title, name.span, "not here");
                self.refuse(
                    found
                        .note(
                            "an id is made for an event, and how often a function is called is not",
                        )
                        .help("emit an event for each element: `forEach`"),
                )
            }
            "now" => Some(value(ExpressionKind::Now, Type::Timestamp)),
            "new_id" => Some(value(ExpressionKind::NewId, Type::Uuid)),
            "Some" => {
                let title = "`Some(…)` stands in patterns only";
                let found = Diagnostic::error(&UNKNOWN_FUNCTION, title, name.span, "not here");
                self.refuse(found.help("write the value itself: it becomes an optional by itself"))
            }
            other => match self.bare_state(other) {
                Some(scope) => self.derived_function(scope, name, arguments),
                None => self.unknown_function(other, name.span),
            },
        }
    }

    /// Whether the value for none is a decimal that the optional itself could not be.
    fn is_beyond_digits(&self, of: &Type, arguments: &[Node]) -> bool {
        let (Type::Optional(inner), [argument]) = (of, arguments) else { return false };
        let Type::Decimal(Some((digits, scale))) = **inner else { return false };
        let (found, _) = self.quietly(|probe| probe.infer(argument, Some(&Type::Decimal(None))));
        matches!(
            found.map(|found| found.kind),
            Some(ExpressionKind::Decimal(text)) if !crate::resolve::types::fits_digits(&text, digits, scale)
        )
    }

    fn unknown_function<T>(&mut self, name: &str, span: Span) -> Option<T> {
        let title = format!("there is no function `{name}`");
        let found = Diagnostic::error(&UNKNOWN_FUNCTION, title, span, "unknown function");
        let is_method = methods::methods().any(|listed| listed.name == name);
        let places = self.scope.places.iter().filter(|place| place.bare && is_state(place.scope));
        let derived = places.flat_map(|_| self.scope.types.derived.names());
        self.refuse(match nearest(name, FUNCTIONS.iter().copied().chain(derived)) {
            Some(meant) => found.help(format!("did you mean `{meant}`?")),
            None if matches!(self.scope.types.declared(name), Some(Type::Newtype(..))) => {
                found.help(format!("write the value itself: it becomes a `{name}` by itself"))
            }
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

/// Whether the node is an integer that is written out.
fn is_number(node: &Node) -> bool {
    match &node.kind {
        NodeKind::Integer(_) => true,
        NodeKind::Negate(inner) => matches!(inner.kind, NodeKind::Integer(_)),
        _ => false,
    }
}
