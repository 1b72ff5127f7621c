//! Values that are written out.

use proc_macro2::TokenStream;
use quote::quote;

use super::{Code, Compiler, Level};
use crate::calendar::rfc3339;

impl Compiler<'_> {
    /// A point in time.
    pub(crate) fn time(&self, micros: i64) -> TokenStream {
        if self.in_example {
            let text = rfc3339(micros);
            return quote!(#text.parse()?);
        }
        let micros = grouped(micros);
        quote!(__Timestamp::from_micros(#micros))
    }
}

/// One that does not fit 32 bits says its type: where nothing else does, Rust takes it for an `i32`.
pub(super) fn integer(value: i64) -> Code {
    let (tokens, level) = match value {
        i64::MIN => (quote!(i64::MIN), Level::Atom),
        _ if i32::try_from(value).is_err() => {
            let text = format!("{}_i64", grouped(value)).replace(' ', "");
            (tokens(&text), if value < 0 { Level::Unary } else { Level::Atom })
        }
        _ => (grouped(value), if value < 0 { Level::Unary } else { Level::Literal }),
    };
    Code::value(tokens, true).at(level)
}

/// A number with `_` between groups of three digits.
pub(crate) fn grouped(value: i64) -> TokenStream {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) && digits.len() > 4 {
            text.push('_');
        }
        text.push(digit);
    }
    let sign = if value < 0 { "-" } else { "" };
    tokens(&format!("{sign}{text}"))
}

pub(super) fn decimal(text: &str) -> Code {
    match text {
        "0" => Code::value(quote!(__Decimal::ZERO), true),
        "1" => Code::value(quote!(__Decimal::ONE), true),
        text => {
            let (sign, digits) = match text.strip_prefix('-') {
                Some(digits) => (quote!(-), digits),
                None => (TokenStream::new(), text),
            };
            let level = if sign.is_empty() { Level::Atom } else { Level::Unary };
            let literal = tokens(digits);
            Code::value(quote!(#sign __dec!(#literal)), true).at(level)
        }
    }
}

/// A decimal in the tokens of an atom or a negation.
pub(crate) fn decimal_literal(text: &str) -> TokenStream {
    decimal(text).tokens
}

pub(super) fn date(text: &str) -> TokenStream {
    let parts = text.splitn(3, '-').map(|part| match part.trim_start_matches('0') {
        "" => tokens("0"),
        part => tokens(part),
    });
    quote!(__date(#(#parts),*))
}

pub(super) fn uuid(text: &str) -> TokenStream {
    let literal = tokens(&format!("0x{}", text.replace('-', "_")));
    quote!(__Uuid::from_u128(#literal))
}

pub(super) fn tokens(text: &str) -> TokenStream {
    text.parse()
        .unwrap_or_else(|error| unreachable!("`{text}` from the model is no literal: {error}"))
}
