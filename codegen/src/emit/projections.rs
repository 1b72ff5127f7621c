//! Projections: a marker, a row and a key per read model, and the fold from events to rows.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::examples::Examples;
use super::expression::{field_init, grouped, inner_type};
use super::handlers;
use super::layout::{self, Part};
use super::names::{field_ident, function_ident, type_ident};
use super::queries;
use super::row_key;
use super::rows;
use super::state::meaning;
use super::types;
use super::view::View;
use super::visits;
use crate::model::{Assignment, Field, Projection, RowRule, Type};

/// A projection as its module sees it.
pub(crate) struct ReadModel<'v> {
    pub(crate) view: &'v View<'v>,
    pub(crate) projection: &'v Projection,
    /// `AccountBalanceView`
    pub(crate) ident: Ident,
    /// `AccountBalanceViewRow`
    pub(crate) row: Ident,
    /// `AccountBalanceViewHandler`
    pub(crate) handler: Ident,
}

/// The section's items.
pub(crate) fn emit(view: &View<'_>, examples: &Examples<'_>) -> Vec<Part> {
    if view.aggregate.projections.is_empty() {
        return Vec::new();
    }
    let mut parts = vec![Part::Section("Projections")];
    for projection in &view.aggregate.projections {
        let ident = type_ident(&projection.name);
        let model = ReadModel {
            view,
            projection,
            row: format_ident!("{ident}Row"),
            handler: format_ident!("{ident}Handler"),
            ident,
        };
        parts.extend(model.items(examples));
    }
    parts
}

impl ReadModel<'_> {
    fn items(&self, examples: &Examples<'_>) -> Vec<Part> {
        let mut parts = Vec::new();
        if let Some(columns) = &self.projection.columns {
            parts.extend(self.key_struct());
            let docs = layout::doc(&format!("A row of {}.", layout::link(&self.ident)));
            let derives = quote!(#[derive(Clone, Debug, PartialEq)]);
            parts.push(types::structure(&self.view.types, &docs, &derives, &self.row, columns));
        }
        parts.push(self.marker(examples));
        if self.is_custom() {
            parts.push(handlers::handler_trait(self));
        }
        parts.push(self.projection_impl());
        parts.extend(rows::functions(self));
        parts.extend(queries::items(self));
        parts
    }

    /// Whether the fold is written by hand.
    pub(crate) fn is_custom(&self) -> bool {
        self.projection.on.is_none()
    }

    /// Whether the row is, too.
    pub(crate) fn has_custom_row(&self) -> bool {
        self.projection.columns.is_none()
    }

    fn generics(&self) -> TokenStream {
        let handler = &self.handler;
        if self.is_custom() { quote!(<__H: #handler>) } else { TokenStream::new() }
    }

    fn marker_type(&self) -> TokenStream {
        let ident = &self.ident;
        if self.is_custom() { quote!(#ident<__H>) } else { quote!(#ident) }
    }

    /// The columns of the key, in the order of the key.
    pub(crate) fn key_columns(&self) -> Vec<&Field> {
        let columns = self.projection.columns.as_deref().unwrap_or_default();
        let named = |key: &Assignment| columns.iter().find(|column| column.name == key.field);
        self.projection.key.iter().filter_map(named).collect()
    }

    /// All columns, those of the key first.
    pub(crate) fn columns(&self) -> Vec<&Field> {
        let key = self.key_columns();
        let all = self.projection.columns.iter().flatten();
        let others = all.filter(|column| key.iter().all(|other| other.name != column.name));
        key.iter().copied().chain(others).collect()
    }

    /// The type of a key: the one column's, or a struct.
    pub(crate) fn key_type(&self) -> TokenStream {
        match self.key_columns().as_slice() {
            [] => quote!(String),
            [only] => self.view.types.rust(&only.field_type),
            _ => {
                let ident = self.key_ident();
                quote!(#ident)
            }
        }
    }

    pub(super) fn key_ident(&self) -> Ident {
        format_ident!("{}Key", self.ident)
    }

    /// The type of a row.
    pub(crate) fn row_type(&self) -> TokenStream {
        let row = &self.row;
        if self.has_custom_row() { quote!(__CustomRow<__H::Row>) } else { quote!(#row) }
    }

    fn key_struct(&self) -> Option<Part> {
        let columns = self.key_columns();
        if columns.len() < 2 {
            return None;
        }
        let docs = layout::doc(&format!("The key of a row of {}.", layout::link(&self.ident)));
        let derives = quote!(#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]);
        let columns: Vec<Field> = columns.into_iter().cloned().collect();
        Some(types::structure(&self.view.types, &docs, &derives, &self.key_ident(), &columns))
    }

    fn marker(&self, examples: &Examples<'_>) -> Part {
        let ident = &self.ident;
        let docs = [Some(self.docs()), examples.projection(self)];
        let docs = layout::doc(&docs.into_iter().flatten().collect::<Vec<_>>().join("\n\n"));
        if self.is_custom() {
            layout::item(quote! {
                #docs
                #[derive(Clone, Copy, Debug)]
                pub struct #ident<__H>(__PhantomData<__H>);
            })
        } else {
            layout::item(quote!(#docs #[derive(Clone, Copy, Debug)] pub struct #ident;))
        }
    }

    fn docs(&self) -> String {
        let projection = self.projection;
        let mut text = match &projection.description {
            Some(description) => layout::prose(description),
            None => format!("The read model {}.", layout::code(&projection.name)),
        };
        let sources: Vec<String> =
            projection.source.iter().map(|event| layout::link(type_ident(event))).collect();
        let target = layout::code(&format!("{}.{}", projection.database, projection.table));
        text.push_str(&format!("\n\nFolds {} into {target}", sources.join(", ")));
        text.push_str(if projection.immediate {
            ", in the append's own transaction."
        } else {
            "."
        });
        if self.is_custom() {
            text.push_str(&format!(" The fold is written by hand: [`{}`].", self.handler));
        }
        text
    }

    fn projection_impl(&self) -> Part {
        let (generics, marker) = (self.generics(), self.marker_type());
        let (events, key, row) = (&self.view.events, self.key_type(), self.row_type());
        layout::block(
            &quote!(impl #generics __Projection for #marker),
            vec![
                self.constants(),
                vec![
                    quote!(type Event = #events;),
                    quote!(type Key = #key;),
                    quote!(type Row = #row;),
                ],
                vec![row_key::function(self)],
                vec![rows::dispatch(self)],
                visits::dispatch(self).into_iter().collect(),
                vec![self.key_values()],
                vec![self.row_values()],
                vec![self.row_of_values()],
                vec![self.key_of()],
            ],
        )
    }

    fn constants(&self) -> Vec<TokenStream> {
        let projection = self.projection;
        let (name, database, table) = (&projection.name, &projection.database, &projection.table);
        let aggregate = &self.view.aggregate.name;
        let consistency = self.consistency();
        let revision = self.is_custom().then(|| quote!(__H::REVISION));
        let meaning = meaning(projection.meaning, revision);
        let sources =
            projection.source.iter().flat_map(|event| self.view.event(event).stored_names());
        let columns = self.column_constants();
        let key_columns = proc_macro2::Literal::usize_unsuffixed(self.key_columns().len().max(1));
        let key_is_stream = projection.key_is_stream;
        let reads_metadata = self.is_custom() || rows::reads_metadata_texts(projection);
        vec![
            quote!(const NAME: &'static str = #name;),
            quote!(const DATABASE: &'static str = #database;),
            quote!(const TABLE: &'static str = #table;),
            quote!(const CONSISTENCY: __Consistency = #consistency;),
            quote!(const MEANING: u64 = #meaning;),
            quote!(const AGGREGATE: &'static str = #aggregate;),
            quote!(const SOURCES: &'static [&'static str] = &[#(#sources),*];),
            quote!(const COLUMNS: &'static [__Column] = #columns;),
            quote!(const KEY_COLUMNS: usize = #key_columns;),
            quote!(const KEY_IS_STREAM: bool = #key_is_stream;),
            quote!(const READS_METADATA: bool = #reads_metadata;),
        ]
        .into_iter()
        .chain(self.indexes())
        .chain(self.projection.has_several_rows().then(|| {
            quote!(
                const SEVERAL_ROWS: bool = true;
            )
        }))
        .collect()
    }

    fn indexes(&self) -> Option<TokenStream> {
        let indexes = &self.projection.indexes;
        let columns = indexes.iter().map(|columns| quote!(&[#(#columns),*]));
        let value = quote!(&[#(#columns),*]);
        let constant = quote!(const INDEXES: &'static [&'static [&'static str]] = #value;);
        (!indexes.is_empty()).then_some(constant)
    }

    fn consistency(&self) -> TokenStream {
        if self.projection.immediate {
            return quote!(__Consistency::Immediate);
        }
        match self.projection.window_micros {
            Some(micros) => {
                let micros = grouped(micros);
                quote!(__Consistency::Eventual { window: Some(__Duration::from_micros(#micros)) })
            }
            None => quote!(__Consistency::Eventual { window: None }),
        }
    }

    fn column_constants(&self) -> TokenStream {
        if self.has_custom_row() {
            return quote!(__CustomRow::<__H::Row>::COLUMNS);
        }
        let columns = self.columns().into_iter().map(column_constant);
        quote!(&[#(#columns),*])
    }

    /// The rules of an event; none where the fold is written by hand.
    pub(crate) fn rules_of(&self, event: &str) -> &[RowRule] {
        let rules = self.projection.on.iter().flatten().find(|(name, _)| name == event);
        rules.map_or(&[], |(_, rules)| rules)
    }

    fn key_values(&self) -> TokenStream {
        let key = self.key_type();
        let values: Vec<TokenStream> = match self.key_columns().as_slice() {
            [] => vec![quote!(__Value::from(key))],
            [only] => vec![to_value(&only.field_type, &quote!(key), true)],
            several => several
                .iter()
                .map(|column| {
                    let field = field_ident(&column.name);
                    to_value(&column.field_type, &quote!(key.#field), false)
                })
                .collect(),
        };
        quote!(fn key_values(key: &#key) -> Vec<__Value> { vec![#(#values),*] })
    }

    fn row_values(&self) -> TokenStream {
        let row = self.row_type();
        if self.has_custom_row() {
            return quote!(fn row_values(row: &#row) -> Vec<__Value> { row.values() });
        }
        let values = self.columns().into_iter().map(|column| {
            let field = field_ident(&column.name);
            to_value(&column.field_type, &quote!(row.#field), false)
        });
        quote!(fn row_values(row: &#row) -> Vec<__Value> { vec![#(#values),*] })
    }

    fn row_of_values(&self) -> TokenStream {
        let row = self.row_type();
        if self.has_custom_row() {
            return quote! {
                fn row(values: Vec<__Value>) -> Result<#row, __DecodeError> {
                    __CustomRow::from_values(values)
                }
            };
        }
        let taken = taken(self.columns());
        quote! {
            fn row(values: Vec<__Value>) -> Result<#row, __DecodeError> {
                let mut values = __Values::new(values, Self::COLUMNS);
                Ok(#row { #taken })
            }
        }
    }

    fn key_of(&self) -> TokenStream {
        let (key, row) = (self.key_type(), self.row_type());
        let own = |column: &Field| {
            let field = field_ident(&column.name);
            if types::is_copy(&column.field_type) {
                quote!(row.#field)
            } else {
                quote!(row.#field.clone())
            }
        };
        let value = match self.key_columns().as_slice() {
            [] => quote!(row.key.clone()),
            [only] => own(only),
            several => {
                let ident = self.key_ident();
                let fields = several.iter().map(|column| field_init(&column.name, &own(column)));
                quote!(#ident { #(#fields,)* })
            }
        };
        quote!(fn key_of(row: &#row) -> #key { #value })
    }

    /// `fold_account_balance_view_account_opened`
    pub(crate) fn fold_ident(&self, event: &str) -> Ident {
        let name = format!("{}_{event}", self.projection.name);
        function_ident("fold", &name)
    }
}

fn column_type(of: &Type) -> Ident {
    let name = match of {
        Type::String | Type::Enum(_) | Type::Optional(_) => "Text",
        Type::Integer => "Integer",
        Type::Decimal(_) => "Decimal",
        Type::Boolean => "Boolean",
        Type::Timestamp => "Timestamp",
        Type::Date => "Date",
        Type::Duration => "Duration",
        Type::Uuid => "Uuid",
        Type::Bytes => "Bytes",
        Type::List(_) | Type::Set(_) | Type::Map(..) | Type::Record(_) => "Json",
        Type::Newtype(_, base) => return column_type(base),
    };
    format_ident!("{name}")
}

/// A column's value from the field at a place, which may be a reference already.
pub(crate) fn to_value(of: &Type, place: &TokenStream, is_reference: bool) -> TokenStream {
    let reference = if is_reference { quote!(#place) } else { quote!(&#place) };
    let copied = if is_reference { quote!(*#place) } else { quote!(#place) };
    match of {
        Type::Enum(_) => quote!(__Value::from_label(#copied)),
        Type::List(_) | Type::Set(_) | Type::Map(..) | Type::Record(_) => {
            quote!(__Value::json(#reference))
        }
        Type::Optional(inner) => match **inner {
            Type::Enum(_) => quote!(#place.map_or(__Value::Null, __Value::from_label)),
            Type::List(_) | Type::Set(_) | Type::Map(..) | Type::Record(_) => {
                quote!(#place.as_ref().map_or(__Value::Null, __Value::json))
            }
            _ => quote!(__Value::from(#reference)),
        },
        _ => quote!(__Value::from(#reference)),
    }
}

/// The method that takes a column's value out of a row.
fn take(of: &Type) -> Ident {
    let name = match of {
        Type::Enum(_) => "take_label",
        Type::List(_) | Type::Set(_) | Type::Map(..) | Type::Record(_) => "take_json",
        Type::Optional(inner) => match **inner {
            Type::Enum(_) => "take_optional_label",
            Type::List(_) | Type::Set(_) | Type::Map(..) | Type::Record(_) => "take_optional_json",
            _ => "take",
        },
        _ => "take",
    };
    format_ident!("{name}")
}

/// A column as read databases know it.
pub(crate) fn column_constant(column: &Field) -> TokenStream {
    let name = &column.name;
    let optional = matches!(column.field_type, Type::Optional(_));
    let column_type = column_type(inner_type(&column.field_type));
    quote!(__Column { name: #name, column_type: __ColumnType::#column_type, optional: #optional })
}

/// The fields of a struct, taken from `values` one after the other.
pub(crate) fn taken<'f>(fields: impl IntoIterator<Item = &'f Field>) -> TokenStream {
    let fields = fields.into_iter().map(|field| {
        let take = take(&field.field_type);
        field_init(&field.name, &quote!(values.#take()?))
    });
    quote!(#(#fields,)*)
}
