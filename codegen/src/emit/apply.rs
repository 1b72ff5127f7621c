//! Apply: one small function per event, pure and checked.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::expression::{Compiler, Level};
use super::layout::{self, Part};
use super::names::{field_ident, local_ident, type_ident};
use super::state::apply_ident;
use super::types::Types;
use super::view::View;
use crate::model::{Assignment, Event, Expression, ExpressionKind, Field, Method, Scope, Type};

/// The section's items.
pub(crate) fn emit(view: &View<'_>) -> Vec<Part> {
    let mut parts = vec![Part::Section("Apply")];
    for event in &view.aggregate.events {
        if let Some(apply) = event.apply.as_ref().filter(|apply| !apply.is_empty()) {
            parts.push(fold(view, event, apply));
        }
    }
    if parts.len() > 1 { parts } else { Vec::new() }
}

/// `Aggregate::apply`: the event's function, or the hand-written one.
pub(crate) fn dispatch(view: &View<'_>) -> TokenStream {
    let (state, events) = (view.state_type(), &view.events);
    let mut meta_used = false;
    let mut state_used = false;
    let arms: Vec<TokenStream> = view
        .aggregate
        .events
        .iter()
        .map(|event| {
            let (variant, function) = (type_ident(&event.name), apply_ident(event));
            state_used |= event.apply.as_ref().is_none_or(|apply| !apply.is_empty());
            match &event.apply {
                None => {
                    meta_used = true;
                    let target = match view.aggregate.state {
                        None => quote!(state.#function(event, meta)),
                        Some(_) => quote!(__B::#function(state, event, meta)),
                    };
                    quote!(#events::#variant(event) => #target)
                }
                Some(apply) if apply.is_empty() => quote!(#events::#variant(_) => Ok(())),
                Some(apply) => {
                    let uses = uses(view, apply);
                    meta_used |= uses.meta;
                    let (event, comma) =
                        (uses.event.then(|| quote!(, event)), uses.meta.then(|| quote!(, meta)));
                    let pattern = if uses.event { quote!(event) } else { quote!(_) };
                    quote!(#events::#variant(#pattern) => #function(state #event #comma))
                }
            }
        })
        .collect();
    let body =
        if arms.is_empty() { quote!(match *event {}) } else { quote!(match event { #(#arms,)* }) };
    let meta = if meta_used { quote!(meta) } else { quote!(_meta) };
    let state_name = if state_used { quote!(state) } else { quote!(_state) };
    quote! {
        fn apply(
            #state_name: &mut #state,
            event: &#events,
            #meta: &__Metadata,
        ) -> Result<(), __ApplyError> { #body }
    }
}

struct Uses {
    event: bool,
    meta: bool,
}

fn compiler<'v>(view: &'v View<'_>) -> Compiler<'v> {
    Compiler::new(&view.types, [(Scope::State, quote!(state)), (Scope::Event, quote!(event))])
}

fn uses(view: &View<'_>, apply: &[Assignment]) -> Uses {
    let compiler = compiler(view);
    for assignment in apply {
        compiler.compile(&assignment.value);
    }
    Uses { event: compiler.used(Scope::Event), meta: compiler.meta_used() }
}

fn fold(view: &View<'_>, event: &Event, apply: &[Assignment]) -> Part {
    let compiler = compiler(view);
    let fields = view.aggregate.state.as_deref().unwrap_or_default();
    let body = assignments(&compiler, &quote!(state), Scope::State, fields, apply);
    let (function, state, of) = (apply_ident(event), view.state_type(), type_ident(&event.name));
    let event = compiler.used(Scope::Event).then(|| quote!(, event: &#of));
    let meta = compiler.meta_used().then(|| quote!(, meta: &__Metadata));
    layout::item(quote! {
        fn #function(state: &mut #state #event #meta) -> Result<(), __ApplyError> {
            #body
            Ok(())
        }
    })
}

/// Assigns to the fields of `target`, whose scope is `own`: all that can fail and all that reads the
/// target first, so that every right side sees the target as it was, and an error leaves it so.
pub(crate) fn assignments(
    compiler: &Compiler<'_>,
    target: &TokenStream,
    own: Scope,
    fields: &[Field],
    assignments: &[Assignment],
) -> TokenStream {
    let mut before = Vec::new();
    let mut after = Vec::new();
    for assignment in assignments {
        let field = field_ident(&assignment.field);
        let place = quote!(#target.#field);
        if assignment.value.kind == ExpressionKind::Read(own, assignment.field.clone()) {
            compiler.types.note_choice();
        }
        let of = fields.iter().find(|field| field.name == assignment.field);
        let of = of.map_or(&assignment.value.result, |field| &field.field_type);
        if let Some(retain) = retained(compiler, &place, assignment, assignments, own) {
            after.push(retain);
            continue;
        }
        if let Some(change) = in_place(assignment, assignments, own, of, compiler.types) {
            let (early, late) = change.statements(compiler, &place, &assignment.field, |it| {
                reads(it, own, assignments) || asks_whole(it, own)
            });
            before.push(early);
            after.push(late);
            continue;
        }
        let (code, fallible) = compiler.compile_noting(&assignment.value);
        let checked = needs_check(compiler.types, of, &assignment.value);
        let alone = assignments.len() == 1 && !checked && code.level > Level::Block;
        let needs_local = fallible || checked || reads(&assignment.value, own, assignments);
        let value = compiler.value(&assignment.value);
        if alone || !needs_local {
            after.push(quote!(#place = #value;));
            continue;
        }
        let local = local_ident(&assignment.field);
        let check = checked.then(|| compiler.types.check(of, &quote!(&#local), &assignment.field));
        before.push(quote!(let #local = #value; #check));
        after.push(quote!(#place = #local;));
    }
    quote!(#(#before)* #(#after)*)
}

/// Whether a value may lie outside the declared type of the field it is assigned to.
pub(crate) fn needs_check(types: &Types<'_>, of: &Type, value: &Expression) -> bool {
    let (value, of) = match (&value.kind, of) {
        (ExpressionKind::Some(inner), Type::Optional(of)) => (&**inner, &**of),
        _ => (value, of),
    };
    let fits =
        is_kept(value, of) || value.kind == ExpressionKind::None || is_fitting_constant(of, value);
    types.is_checked(of) && !fits
}

/// Whether a value was checked when it entered, or is a list of such.
fn is_kept(value: &Expression, of: &Type) -> bool {
    match &value.kind {
        ExpressionKind::Read(..) => value.result == *of,
        ExpressionKind::Call(
            Method::ListFilter
            | Method::ListRemoveWhere
            | Method::ListRemoveFirst
            | Method::ListSortBy
            | Method::ListSortByDesc
            | Method::ListDistinct,
            list,
            _,
        ) => is_kept(list, of),
        _ => false,
    }
}

/// Whether a number is written out that has no more digits than its field.
pub(crate) fn is_fitting_constant(of: &Type, value: &Expression) -> bool {
    if let (Type::Newtype(_, base), ExpressionKind::Wrap(inner)) = (of, &value.kind) {
        return is_fitting_constant(base, inner);
    }
    let Type::Decimal(Some((precision, scale))) = of else { return false };
    let text = match &value.kind {
        ExpressionKind::Decimal(text) => text.clone(),
        ExpressionKind::Widen(inner) => match &inner.kind {
            ExpressionKind::Integer(value) => value.to_string(),
            _ => return false,
        },
        _ => return false,
    };
    let digits = text.trim_start_matches('-');
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let allowed = precision.saturating_sub(*scale) as usize;
    whole.trim_start_matches('0').len() <= allowed && fraction.len() <= *scale as usize
}

/// Whether the value asks the target as a whole, while a part of it may be changing.
fn asks_whole(value: &Expression, own: Scope) -> bool {
    value.any(&|part| matches!(&part.kind, ExpressionKind::Derived(call) if call.scope == own))
}

/// Whether the value reads a field of the target that some assignment sets.
fn reads(value: &Expression, own: Scope, assignments: &[Assignment]) -> bool {
    assignments.iter().any(|assignment| value.reads(own, &assignment.field))
}

/// A method that changes a value where it is.
struct InPlace<'e> {
    method: Ident,
    arguments: &'e [Expression],
    /// Whether the argument is a key that is only looked up.
    by_key: bool,
    /// The type of what is added, where it may lie outside of it.
    checked: Option<&'e Type>,
}

/// `items: items.push(x)` changes the list where it is, if nothing else reads it; sets and maps alike.
/// What is in there was checked when it entered.
fn in_place<'e>(
    assignment: &'e Assignment,
    all: &[Assignment],
    own: Scope,
    of: &'e Type,
    types: &Types<'_>,
) -> Option<InPlace<'e>> {
    let ExpressionKind::Call(method, changed, arguments) = &assignment.value.kind else {
        return None;
    };
    let (name, by_key) = match method {
        Method::ListPush => ("push", false),
        Method::ListExtend | Method::SetUnion => ("extend", false),
        Method::SetInsert | Method::MapInsert => ("insert", false),
        Method::SetRemove | Method::MapRemove => ("remove", true),
        _ => return None,
    };
    // `extend` takes things of many types, and what is empty does not say of which it is.
    if name == "extend" && arguments.last()?.any(&is_empty) {
        return None;
    }
    let itself = changed.kind == ExpressionKind::Read(own, assignment.field.clone());
    let others = all.iter().filter(|other| other.field != assignment.field);
    let mut others = others.filter(|other| other.value.reads(own, &assignment.field));
    let added_type = match (method, of) {
        (Method::ListPush, Type::List(item)) | (Method::MapInsert, Type::Map(_, item)) => &**item,
        _ => of,
    };
    let safe = by_key || argument_is_safe(arguments.last()?, added_type);
    let checked = (types.is_checked(added_type) && !safe).then_some(added_type);
    let method = quote::format_ident!("{name}");
    let change = InPlace { method, arguments, by_key, checked };
    (itself && others.next().is_none()).then_some(change)
}

/// Whether it is a list or set that is written out and has nothing in it.
fn is_empty(part: &Expression) -> bool {
    match &part.kind {
        ExpressionKind::List(items) | ExpressionKind::Set(items) => items.is_empty(),
        _ => false,
    }
}

/// `items: items.filter(…)` changes the list where it is, if the condition can't fail and reads nothing
/// that is assigned.
fn retained(
    compiler: &Compiler<'_>,
    place: &TokenStream,
    assignment: &Assignment,
    all: &[Assignment],
    own: Scope,
) -> Option<TokenStream> {
    let ExpressionKind::Call(method, list, arguments) = &assignment.value.kind else { return None };
    let negated = match method {
        Method::ListFilter => false,
        Method::ListRemoveWhere => true,
        _ => return None,
    };
    let condition = arguments.first()?;
    let itself = list.kind == ExpressionKind::Read(own, assignment.field.clone());
    let others = all.iter().filter(|other| other.field != assignment.field);
    let mut others = others.filter(|other| other.value.reads(own, &assignment.field));
    if !itself
        || reads(condition, own, all)
        || asks_whole(condition, own)
        || others.next().is_some()
    {
        return None;
    }
    let condition = compiler.condition_on_reference(condition, negated)?;
    Some(quote!(#place.retain(#condition);))
}

/// Whether an argument was checked when it entered.
fn argument_is_safe(argument: &Expression, of: &Type) -> bool {
    matches!(argument.kind, ExpressionKind::Read(..)) && argument.result == *of
}

impl InPlace<'_> {
    /// The statement that makes the arguments, where they can fail or read the target, and the one that
    /// changes it.
    fn statements(
        &self,
        compiler: &Compiler<'_>,
        place: &TokenStream,
        field: &str,
        reads_target: impl Fn(&Expression) -> bool,
    ) -> (TokenStream, TokenStream) {
        let (method, local) = (&self.method, local_ident(field));
        let values: Vec<_> = self.arguments.iter().map(|it| compiler.value(it)).collect();
        let fallible = self.arguments.iter().any(|it| compiler.compile_noting(it).1);
        let reads = self.arguments.iter().any(reads_target);
        if !fallible && !reads && self.checked.is_none() {
            let arguments =
                if self.by_key { compiler.key(self.arguments) } else { quote!(#(#values),*) };
            return (TokenStream::new(), quote!(#place.#method(#arguments);));
        }
        let (early, added, late) = match values.as_slice() {
            [key, value] => {
                let late = quote!(#place.#method(#local.0, #local.1););
                (quote!(let #local = (#key, #value);), quote!(&#local.1), late)
            }
            values => {
                let reference = self.by_key.then(|| quote!(&));
                let late = quote!(#place.#method(#reference #local););
                (quote!(let #local = #(#values)*;), quote!(&#local), late)
            }
        };
        let check = self.checked.map(|of| compiler.types.check(of, &added, field));
        (quote!(#early #check), late)
    }
}
