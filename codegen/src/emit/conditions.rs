//! Conditions on rows as a read database is asked for them, with the values to compare with.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::expression::{Compiler, Kind, inner_type};
use super::names::local_ident;
use crate::model::{Comparison, Condition, Expression, ExpressionKind, Operand, Type};

/// Makes conditions of values that a compiler can read.
pub(crate) struct Asked<'c, 'm> {
    pub(crate) compiler: &'c Compiler<'m>,
}

impl Asked<'_, '_> {
    pub(crate) fn condition(&self, condition: &Condition) -> TokenStream {
        match condition {
            Condition::All(parts) => {
                let parts = parts.iter().map(|part| self.condition(part));
                quote!(__Condition::All(vec![#(#parts),*]))
            }
            Condition::Any(parts) => {
                let parts = parts.iter().map(|part| self.condition(part));
                quote!(__Condition::Any(vec![#(#parts),*]))
            }
            Condition::Not(inner) => {
                let inner = self.condition(inner);
                quote!(#inner.negated())
            }
            Condition::Absent(column) => quote!(__Condition::Absent(#column)),
            Condition::Given(given) => {
                let given = self.compiler.condition(given);
                quote!(__Condition::Always(#given))
            }
            Condition::Compare(Operand::Column(column), comparison, Operand::Value(value)) => {
                let value = self.value(value);
                match comparison {
                    Comparison::Equal => quote!(__Condition::equal(#column, #value)),
                    _ => {
                        let comparison = sign(*comparison);
                        quote!(__Condition::column(#column, __Comparison::#comparison, #value))
                    }
                }
            }
            Condition::Compare(left, comparison, right) => {
                let (left, right) = (self.operand(left), self.operand(right));
                let comparison = sign(*comparison);
                quote!(__Condition::Compare(#left, __Comparison::#comparison, #right))
            }
            Condition::Text(left, test, right) => {
                let (left, right) = (self.operand(left), self.operand(right));
                let test = format_ident!("{test:?}");
                quote!(__Condition::Text(#left, __TextTest::#test, #right))
            }
            Condition::Present { optional, local, then, otherwise } => {
                let code = self.compiler.compile(optional);
                let kind = match code.kind {
                    Kind::OptionalText => Kind::Text,
                    Kind::Copy => Kind::Copy,
                    _ => Kind::Reference,
                };
                let subject = match code.kind {
                    Kind::Copy | Kind::OptionalText | Kind::OptionalReference => code.tokens,
                    _ => code.borrow(),
                };
                self.compiler.bind(local, kind);
                let (local, then) = (local_ident(local), self.condition(then));
                quote! {
                    match #subject { Some(#local) => #then, None => __Condition::Always(#otherwise) }
                }
            }
        }
    }

    fn operand(&self, operand: &Operand) -> TokenStream {
        match operand {
            Operand::Column(column) => quote!(__Operand::Column(#column)),
            Operand::Widened(column) => quote!(__Operand::Widened(#column)),
            Operand::Lowercase(column) => quote!(__Operand::Lowercase(#column)),
            Operand::Value(value) => {
                let value = self.value(value);
                quote!(__Operand::Value(#value))
            }
        }
    }

    /// A value as columns hold it.
    pub(crate) fn value(&self, value: &Expression) -> TokenStream {
        match &value.kind {
            ExpressionKind::None => return quote!(__Value::Null),
            ExpressionKind::Some(inner) => return self.value(inner),
            ExpressionKind::Integer(number) => {
                let number = super::expression::grouped(*number);
                return quote!(__Value::Integer(#number));
            }
            ExpressionKind::Boolean(truth) => return quote!(__Value::Boolean(#truth)),
            _ => {}
        }
        let code = self.compiler.compile(value);
        match (code.kind, inner_type(&value.result)) {
            (Kind::Text, _) => {
                let text = code.tokens;
                quote!(__Value::from(#text))
            }
            (Kind::OptionalText | Kind::OptionalReference, _) => {
                let optional = code.tokens;
                quote!(#optional.map_or(__Value::Null, __Value::from))
            }
            (Kind::Reference, _) => {
                let reference = code.tokens;
                quote!(__Value::from(#reference))
            }
            (_, Type::Enum(_)) if matches!(value.result, Type::Optional(_)) => {
                let optional = code.own();
                quote!(#optional.map_or(__Value::Null, __Value::from_label))
            }
            (_, Type::Enum(_)) => {
                let label = code.own();
                quote!(__Value::from_label(#label))
            }
            _ => {
                let value = code.borrow();
                quote!(__Value::from(#value))
            }
        }
    }
}

fn sign(comparison: Comparison) -> Ident {
    format_ident!("{comparison:?}")
}
