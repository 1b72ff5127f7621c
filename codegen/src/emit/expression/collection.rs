//! Sets and maps: written out, and their methods.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::function::{Function, Handed};
use super::list::element_of;
use super::{Code, Compiler, Level, method};
use crate::model::{Expression, ExpressionKind, Method, Type};

impl Compiler<'_> {
    /// The members of a set.
    pub(super) fn set(&self, members: &[Expression], of: &Type) -> Code {
        let code = match of {
            Type::Set(member) if members.is_empty() => {
                let member = self.types.rust(member);
                quote!(__BTreeSet::<#member>::new())
            }
            _ => {
                let members = members.iter().map(|member| self.value(member));
                quote!(__BTreeSet::from([#(#members),*]))
            }
        };
        Code::value(code, false)
    }

    /// The entries of a map.
    pub(super) fn map(&self, entries: &[(Expression, Expression)], of: &Type) -> Code {
        let code = match of {
            Type::Map(key, value) if entries.is_empty() => {
                let (key, value) = (self.types.rust(key), self.types.rust(value));
                quote!(__BTreeMap::<#key, #value>::new())
            }
            _ => {
                let entries = entries.iter().map(|(key, value)| {
                    let (key, value) = (self.value(key), self.value(value));
                    quote!((#key, #value))
                });
                quote!(__BTreeMap::from([#(#entries),*]))
            }
        };
        Code::value(code, false)
    }

    /// A method of a set.
    pub(super) fn set_call(
        &self,
        method: Method,
        receiver: &Expression,
        arguments: &[Expression],
    ) -> Code {
        let (set, changed) = (|| self.value(receiver), |code| Code::value(code, false));
        match method {
            Method::SetContains => self.has(receiver, &quote!(contains), arguments),
            Method::SetInsert => {
                let (set, member) = (set(), self.own_argument(arguments, 0));
                changed(quote!(__with_member(#set, #member)))
            }
            Method::SetRemove => {
                let (set, member) = (set(), self.key(arguments));
                changed(quote!(__without_member(#set, #member)))
            }
            Method::SetUnion => {
                let (set, other) = (set(), self.own_argument(arguments, 0));
                changed(quote!(__united(#set, #other)))
            }
            Method::SetIntersection => {
                let (set, other) = (set(), self.borrowed(arguments, 0));
                changed(quote!(__shared(#set, #other)))
            }
            Method::SetDifference => {
                let (set, other) = (set(), self.borrowed(arguments, 0));
                changed(quote!(__remaining(#set, #other)))
            }
            Method::SetAny => self.any(receiver, &arguments[0]),
            Method::SetAll => self.all(receiver, &arguments[0]),
            Method::SetFilter => {
                let members = self.filtered(self.items(receiver), &arguments[0], false);
                let members = members.values(element_of(receiver));
                changed(quote!(#members.collect::<__BTreeSet<_>>()))
            }
            other => unreachable!("{other:?} is no method of a set"),
        }
    }

    /// A method of a map.
    pub(super) fn map_call(
        &self,
        method: Method,
        receiver: &Expression,
        arguments: &[Expression],
        copy: bool,
    ) -> Code {
        let changed = |code| Code::value(code, false);
        match method {
            Method::MapContainsKey => self.has(receiver, &quote!(contains_key), arguments),
            Method::MapGet => {
                let (map, key) = (self.compile(receiver), self.key(arguments));
                let lasting = method::is_lasting(&map);
                let map = map.operand(Level::Atom);
                Self::item_code(&quote!(#map.get(#key)), lasting, copy)
            }
            Method::MapInsert => {
                let map = self.value(receiver);
                let (key, value) =
                    (self.own_argument(arguments, 0), self.own_argument(arguments, 1));
                changed(quote!(__with_entry(#map, #key, #value)))
            }
            Method::MapRemove => {
                let (map, key) = (self.value(receiver), self.key(arguments));
                changed(quote!(__without_entry(#map, #key)))
            }
            Method::MapKeys => {
                let map = self.compile(receiver).borrow();
                changed(quote!(__keys(#map)))
            }
            Method::MapValues => {
                let map = self.compile(receiver).borrow();
                changed(quote!(__values(#map)))
            }
            Method::MapMapValues => {
                let map = self.value(receiver);
                let new = self.function(&arguments[0], &[Handed::Value]);
                changed(by_function(&quote!(#map), new, "mapped_values"))
            }
            Method::MapFilter => {
                let map = self.value(receiver);
                let handed = [Handed::Reference, Handed::Reference];
                let condition = self.function(&arguments[0], &handed);
                changed(by_function(&quote!(#map), condition, "kept_entries"))
            }
            other => unreachable!("{other:?} is no method of a map"),
        }
    }

    /// The first argument as a reference to a member or key; integers say their type.
    pub(crate) fn key(&self, arguments: &[Expression]) -> TokenStream {
        match arguments[0].kind {
            ExpressionKind::Integer(_) => {
                let key = self.argument(&arguments[0]);
                quote!(&#key)
            }
            _ => self.borrowed(arguments, 0),
        }
    }

    /// A map of the elements of a list, by what a function gives for each.
    pub(super) fn grouped(&self, list: &Expression, key: &Expression) -> Code {
        let items = self.items(list).all_values(element_of(list));
        let key = self.function(key, &[Handed::Reference]);
        Code::value(by_function(&items, key, "grouped_by"), false)
    }

    /// A map of what one function gives for the elements of a list, by what another gives.
    pub(super) fn entries_of(&self, list: &Expression, functions: &[Expression]) -> Code {
        let items = self.items(list);
        let key = self.function(&functions[0], &[items.handed.shown()]);
        let value = self.function(&functions[1], &[items.handed]);
        let fallible = key.fallible || value.fallible;
        let (key, value) = (key.closure_that_is(fallible), value.closure_that_is(fallible));
        let items = items.argument();
        let code = match fallible {
            true => quote!(__try_entries_by(#items, #key, #value)?),
            false => quote!(__entries_by(#items, #key, #value)),
        };
        Code::value(code, false)
    }

    fn has(&self, receiver: &Expression, name: &TokenStream, arguments: &[Expression]) -> Code {
        let key = self.key(arguments);
        self.plain(receiver, quote!(#name(#key)), true)
    }
}

/// What a function of the runtime makes of a collection by another function.
fn by_function(collection: &TokenStream, function: Function, name: &str) -> TokenStream {
    let fallible = function.fallible;
    let function = function.closure();
    if fallible {
        let by = format_ident!("__try_{name}");
        return quote!(#by(#collection, #function)?);
    }
    let by = format_ident!("__{name}");
    quote!(#by(#collection, #function))
}
