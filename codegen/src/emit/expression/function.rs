//! Functions as closures: how parameters are bound, and what a body becomes that can fail.

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;

use super::{Code, Compiler, Kind, Level};
use crate::emit::names::local_ident;
use crate::emit::types::is_copy;
use crate::model::{Expression, ExpressionKind, Parameter};

/// What a closure is handed for a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handed {
    /// The value.
    Value,
    /// `&T`
    Reference,
    /// `&&T`
    ReferenceOfReference,
    /// `&str`
    Text,
}

impl Handed {
    /// What a closure gets that is shown an item instead of handed it.
    pub(super) fn shown(self) -> Self {
        match self {
            Self::Value => Self::Reference,
            Self::Reference | Self::ReferenceOfReference | Self::Text => Self::ReferenceOfReference,
        }
    }
}

/// A compiled function.
pub(super) struct Function {
    /// `line`, or several with commas.
    parameters: TokenStream,
    /// The value of the body.
    pub(super) body: Code,
    /// Whether the body can fail, so that it holds `?`.
    pub(super) fallible: bool,
}

impl Function {
    /// The one parameter, as a pattern.
    pub(super) fn pattern(&self) -> TokenStream {
        self.parameters.clone()
    }

    /// The same, handed its two parameters as one pair.
    pub(super) fn of_pair(self) -> Self {
        let parameters = self.parameters;
        Self { parameters: quote!((#parameters)), ..self }
    }

    /// The whole closure: of a `Result` where it can fail.
    pub(super) fn closure(self) -> TokenStream {
        let fallible = self.fallible;
        self.closure_that_is(fallible)
    }

    /// The whole closure, of a `Result` where it is to be one.
    pub(super) fn closure_that_is(self, result: bool) -> TokenStream {
        self.written(result, &quote!(Ok))
    }

    /// The whole closure, of a `Result` of which nothing around it tells the error.
    pub(super) fn closure_of_result(self) -> TokenStream {
        self.written(true, &quote!(Ok::<_, __EvalError>))
    }

    fn written(self, result: bool, ok: &TokenStream) -> TokenStream {
        let parameters = self.parameters;
        let unwrapped = if result { without_question(&self.body) } else { None };
        let body = self.body.own();
        let body = match unwrapped {
            Some(unwrapped) => unwrapped,
            None if result => quote!(#ok(#body)),
            None => body,
        };
        quote!(|#parameters| #body)
    }
}

/// `call(…)` of `call(…)?`: a result that needs no wrapping anew.
pub(crate) fn without_question(code: &Code) -> Option<TokenStream> {
    let mut tokens: Vec<TokenTree> = code.tokens.clone().into_iter().collect();
    let owned = matches!(code.kind, Kind::Copy | Kind::Owned) && code.level == Level::Atom;
    match tokens.pop() {
        Some(TokenTree::Punct(question)) if owned && question.as_char() == '?' => {
            Some(tokens.into_iter().collect())
        }
        _ => None,
    }
}

impl Compiler<'_> {
    /// A function whose parameters are handed like this.
    pub(super) fn function(&self, function: &Expression, handed: &[Handed]) -> Function {
        self.function_of(function, handed, |compiler, body| compiler.compile(body))
    }

    /// The same, with something made of the body.
    pub(super) fn function_of(
        &self,
        function: &Expression,
        handed: &[Handed],
        compile: impl FnOnce(&Self, &Expression) -> Code,
    ) -> Function {
        let ExpressionKind::Closure(parameters, body) = &function.kind else {
            unreachable!("the model gives a method {:?} for a function", function.kind)
        };
        self.types.note_function();
        let names = parameters.iter().zip(handed).map(|(parameter, handed)| {
            let once = *handed == Handed::Value && is_read_once(body, parameter);
            self.parameter(parameter, *handed, once)
        });
        let names = names.collect::<Vec<_>>();
        let (body, fallible) = self.noting(|compiler| compile(compiler, body));
        Function { parameters: quote!(#(#names),*), body, fallible }
    }

    fn parameter(&self, parameter: &Parameter, handed: Handed, once: bool) -> TokenStream {
        let Some(local) = &parameter.local else { return quote!(_) };
        let ident = local_ident(local);
        let (pattern, kind) = match (handed, is_copy(&parameter.of)) {
            (Handed::Value, true) => (quote!(#ident), Kind::Copy),
            (Handed::Value, false) if once => (quote!(#ident), Kind::Owned),
            (Handed::Value, false) => (quote!(#ident), Kind::Place),
            (Handed::Reference, true) => (quote!(&#ident), Kind::Copy),
            (Handed::Reference, false) => (quote!(#ident), Kind::Reference),
            (Handed::ReferenceOfReference, true) => (quote!(&&#ident), Kind::Copy),
            (Handed::ReferenceOfReference, false) => (quote!(&#ident), Kind::Reference),
            (Handed::Text, _) => (quote!(#ident), Kind::Text),
        };
        self.bind(local, kind);
        pattern
    }
}

/// Whether the body reads a parameter at one place only, and there each time it runs once, so that the
/// value can be moved.
fn is_read_once(body: &Expression, parameter: &Parameter) -> bool {
    let Some(local) = &parameter.local else { return false };
    reads(body, local) == 1
}

/// How often a local is read at most, a read within another function counting as many.
fn reads(body: &Expression, local: &str) -> usize {
    let of = |part: &Expression| reads(part, local);
    match &body.kind {
        ExpressionKind::Local(name) => usize::from(name == local),
        ExpressionKind::Closure(_, inner) => 2 * of(inner),
        ExpressionKind::If(condition, yes, no) => of(condition) + of(yes).max(of(no)),
        ExpressionKind::Match(subject, arms) => {
            of(subject) + arms.iter().map(|arm| of(&arm.body)).max().unwrap_or(0)
        }
        _ => body.parts().into_iter().map(of).sum(),
    }
}
