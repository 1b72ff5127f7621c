//! Row rules: what an event does to the row of its key.

use proc_macro2::TokenStream;
use quote::quote;

use super::apply::assignments;
use super::expression::{Compiler, Kind};
use super::layout::{self, Part};
use super::names::{field_ident, type_ident};
use super::projections::ReadModel;
use super::visits;
use crate::model::{Assignment, Field, Projection, RowRule, Scope, Verb};

/// `Projection::fold`: a function per event.
pub(crate) fn dispatch(model: &ReadModel<'_>) -> TokenStream {
    let (events, row) = (&model.view.events, model.row_type());
    let mut uses = Uses::default();
    let arms: Vec<TokenStream> = model
        .projection
        .source
        .iter()
        // What concerns several rows is folded by `visit`.
        .filter(|event| !model.projection.visits_several(event))
        .map(|event| {
            let variant = type_ident(event);
            if model.is_custom() {
                uses = Uses { event: true, meta: true };
                let fold = super::handlers::fold_call(model, event);
                return quote!(#events::#variant(source) => #fold);
            }
            let own = folded(model, event).1;
            uses.meta |= own.meta;
            let function = model.fold_ident(event);
            let event = own.event.then(|| quote!(, event));
            let meta = own.meta.then(|| quote!(, meta));
            let pattern = if own.event { quote!(event) } else { quote!(_) };
            quote!(#events::#variant(#pattern) => #function(row #event #meta))
        })
        .collect();
    let rest = (arms.len() < model.view.aggregate.events.len()).then(|| quote!(_ => Ok(()),));
    let meta = if uses.meta { quote!(meta) } else { quote!(_meta) };
    if arms.is_empty() {
        return quote! {
            fn fold(
                _row: &mut Option<#row>,
                _event: &#events,
                _meta: &__Metadata,
            ) -> Result<(), __ProjectionError> {
                Ok(())
            }
        };
    }
    quote! {
        fn fold(
            row: &mut Option<#row>,
            event: &#events,
            #meta: &__Metadata,
        ) -> Result<(), __ProjectionError> {
            match event { #(#arms,)* #rest }
        }
    }
}

/// The function of each event.
pub(crate) fn functions(model: &ReadModel<'_>) -> Vec<Part> {
    if model.is_custom() {
        return Vec::new();
    }
    let function = |event: &String| match model.projection.visits_several(event) {
        true => visits::function(model, event),
        false => function(model, event),
    };
    model.projection.source.iter().map(function).collect()
}

/// What a rule reads.
#[derive(Clone, Copy, Default)]
pub(super) struct Uses {
    pub(super) event: bool,
    pub(super) meta: bool,
}

fn function(model: &ReadModel<'_>, event: &str) -> Part {
    let (body, uses) = folded(model, event);
    let (function, row, of) = (model.fold_ident(event), model.row_type(), type_ident(event));
    let event = uses.event.then(|| quote!(, event: &#of));
    let meta = uses.meta.then(|| quote!(, meta: &__Metadata));
    layout::item(quote! {
        fn #function(row: &mut Option<#row> #event #meta) -> Result<(), __ProjectionError> { #body }
    })
}

fn folded(model: &ReadModel<'_>, event: &str) -> (TokenStream, Uses) {
    let mut uses = Uses::default();
    let rules = model.rules_of(event);
    let mut statements = Vec::new();
    let mut missed = false;
    for rule in rules {
        let (statement, own) = Folder { model, rule, element: None }.rule();
        uses.event |= own.event;
        uses.meta |= own.meta;
        missed |= rule.when.as_ref().is_some_and(|when| when.reads_scope(Scope::Row))
            && matches!(rule.verb, Verb::Update | Verb::Delete)
            && !rule.skip_missing;
        statements.push(statement);
        if rule.when.is_none() {
            return (quote!(#(#statements)*), uses);
        }
    }
    // No condition held: because there is no row to ask, or because nothing is to be done.
    let end = if missed {
        quote!(if row.is_some() { Ok(()) } else { Err(__ProjectionError::RowMissing) })
    } else {
        quote!(Ok(()))
    };
    (quote!(#(#statements)* #end), uses)
}

/// Carries out one rule.
pub(super) struct Folder<'f> {
    pub(super) model: &'f ReadModel<'f>,
    pub(super) rule: &'f RowRule,
    /// The element that the rule is carried out for, and what it is.
    pub(super) element: Option<(&'f str, Kind)>,
}

impl Folder<'_> {
    /// Statements that carry out the rule and leave the function, under its condition if it has one.
    fn rule(&self) -> (TokenStream, Uses) {
        let (body, mut uses) = self.body();
        let Some(when) = &self.rule.when else { return (body, uses) };
        let compiler = self.compiler(quote!(current));
        let condition = compiler.condition(when);
        uses.event |= compiler.used(Scope::Event);
        uses.meta |= compiler.meta_used();
        let body = returning(&body);
        let reads_row = compiler.used(Scope::Row);
        let statement = if reads_row && self.rule.verb == Verb::Upsert {
            self.upsert_when(&compiler, &condition)
        } else if reads_row {
            quote!(match row { Some(current) if #condition => { #body } _ => {} })
        } else {
            quote!(if #condition { #body })
        };
        (statement, uses)
    }

    fn compiler(&self, row: TokenStream) -> Compiler<'_> {
        let scopes = [(Scope::Event, quote!(event)), (Scope::Row, row)];
        let compiler = Compiler::new(&self.model.view.types, scopes);
        if let Some((name, kind)) = self.element {
            compiler.bind(name, kind);
        }
        compiler
    }

    /// The verb; its last expression is the function's value.
    pub(super) fn body(&self) -> (TokenStream, Uses) {
        let compiler = self.compiler(quote!(current));
        let body = match self.rule.verb {
            Verb::Insert => self.insert(&compiler),
            Verb::Update => self.update(&compiler),
            Verb::Upsert => self.upsert(&compiler),
            Verb::Delete => self.delete(),
        };
        (body, Uses { event: compiler.used(Scope::Event), meta: compiler.meta_used() })
    }

    fn insert(&self, compiler: &Compiler<'_>) -> TokenStream {
        let conflict = if self.rule.ignore_conflict {
            quote!(return Ok(());)
        } else {
            quote!(return Err(__ProjectionError::RowExists);)
        };
        let row = self.row_literal(compiler, &self.rule.columns);
        let checks = self.checks(&quote!(created), &self.rule.columns);
        if checks.is_empty() {
            return quote!(if row.is_some() { #conflict } *row = Some(#row); Ok(()));
        }
        quote! {
            if row.is_some() { #conflict }
            let created = #row;
            #checks
            *row = Some(created);
            Ok(())
        }
    }

    fn update(&self, compiler: &Compiler<'_>) -> TokenStream {
        let changes = self.changes(compiler);
        // A row that nothing changes is only asked for.
        if changes.is_empty() && self.rule.skip_missing {
            return quote!(let Some(_) = row else { return Ok(()) }; Ok(()));
        }
        if changes.is_empty() {
            return quote! {
                if row.is_none() { return Err(__ProjectionError::RowMissing); }
                Ok(())
            };
        }
        if self.rule.skip_missing {
            return quote!(let Some(current) = row else { return Ok(()) }; #changes Ok(()));
        }
        quote! {
            let current = row.as_mut().ok_or(__ProjectionError::RowMissing)?;
            #changes
            Ok(())
        }
    }

    /// A missing row starts as the zero row, and is only put there after nothing failed.
    fn upsert(&self, compiler: &Compiler<'_>) -> TokenStream {
        let changes = self.changes(compiler);
        if changes.is_empty() {
            let zero = self.row_literal(compiler, &[]);
            return quote!(if row.is_none() { *row = Some(#zero); } Ok(()));
        }
        let start = self.start(compiler);
        quote! {
            #start
            #changes
            if created.is_some() { *row = created; }
            Ok(())
        }
    }

    /// The same where the condition asks the row, which is the zero row where there is none yet.
    fn upsert_when(&self, compiler: &Compiler<'_>, condition: &TokenStream) -> TokenStream {
        let (start, changes) = (self.start(compiler), self.changes(compiler));
        quote! {
            {
                #start
                if #condition {
                    #changes
                    if created.is_some() { *row = created; }
                    return Ok(());
                }
            }
        }
    }

    fn start(&self, compiler: &Compiler<'_>) -> TokenStream {
        let zero = self.row_literal(compiler, &[]);
        quote! {
            let mut created = None;
            let current = match row {
                Some(current) => current,
                None => created.insert(#zero),
            };
        }
    }

    fn delete(&self) -> TokenStream {
        if self.rule.skip_missing {
            return quote!(*row = None; Ok(()));
        }
        quote! {
            if row.take().is_none() { return Err(__ProjectionError::RowMissing); }
            Ok(())
        }
    }

    fn changes(&self, compiler: &Compiler<'_>) -> TokenStream {
        let columns = self.model.projection.columns.as_deref().unwrap_or_default();
        assignments(compiler, &quote!(current), Scope::Row, columns, &self.rule.columns)
    }

    /// A whole row: key columns from the key, others as assigned, the rest as by default.
    fn row_literal(&self, compiler: &Compiler<'_>, assigned: &[Assignment]) -> TokenStream {
        let row = &self.model.row;
        let keys = self.rule.own_or(&self.model.projection.key);
        let columns = self.model.projection.columns.iter().flatten();
        let fields = columns.map(|column| {
            let value = keys
                .iter()
                .chain(assigned)
                .find(|assignment| assignment.field == column.name)
                .map(|assignment| &assignment.value)
                .or(column.default.as_ref())
                .or_else(|| self.assigned_value(column));
            match value {
                Some(value) => compiler.field_value(&column.name, value),
                None => {
                    let field = field_ident(&column.name);
                    quote!(#field: None)
                }
            }
        });
        quote!(#row { #(#fields,)* })
    }

    /// What an upsert assigns to a column that has no zero to start from.
    fn assigned_value(&self, column: &Field) -> Option<&crate::model::Expression> {
        let assignment = self.rule.columns.iter().find(|it| it.field == column.name)?;
        Some(&assignment.value)
    }

    /// Checks of columns that can't take every value of their Rust type.
    fn checks(&self, row: &TokenStream, assigned: &[Assignment]) -> TokenStream {
        let types = &self.model.view.types;
        let columns = self.model.projection.columns.iter().flatten();
        let checks = columns.filter_map(|column: &Field| {
            let assignment = assigned.iter().find(|assignment| assignment.field == column.name)?;
            let unchanged = assignment.value.result == column.field_type
                && matches!(assignment.value.kind, crate::model::ExpressionKind::Read(..));
            let field = field_ident(&column.name);
            let check = types.check(&column.field_type, &quote!(&#row.#field), &column.name);
            (!unchanged && !check.is_empty()).then_some(check)
        });
        quote!(#(#checks)*)
    }
}

/// The same statements with `return` before the last expression.
fn returning(body: &TokenStream) -> TokenStream {
    let mut tokens: Vec<_> = body.clone().into_iter().collect();
    // Every body ends in `Ok(())`: two tokens.
    let end = tokens.split_off(tokens.len().saturating_sub(2));
    quote!(#(#tokens)* return #(#end)*;)
}

/// Whether a key or rule reads the texts of the metadata.
pub(crate) fn reads_metadata_texts(projection: &Projection) -> bool {
    let rules = projection.on.iter().flatten().flat_map(|(_, rules)| rules);
    let in_rules = rules.flat_map(|rule| {
        let keys = rule.key.iter().flatten();
        let values = rule.columns.iter().chain(keys).map(|assignment| &assignment.value);
        let found = rule.matching.iter().map(|matching| &matching.meaning);
        let found = found.chain(rule.for_each.iter().map(|(_, list)| list));
        values.chain(found).chain(&rule.when)
    });
    let keys = projection.key.iter().map(|assignment| &assignment.value);
    keys.chain(in_rules).any(|value| value.reads_metadata_texts())
}
