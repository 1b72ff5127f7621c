//! The canonical text of a shape: what a store and the lock compare versions of an event by.
//!
//! Fields are sorted by name, because a JSON object has no order; enums and records are written out,
//! because renaming a Rust type changes nothing that is stored.

use super::{Aggregate, Field, Ontology, Type, TypeDefinition};

/// The enums and records that shapes refer to.
#[derive(Clone, Copy)]
pub struct Definitions<'a> {
    types: &'a [TypeDefinition],
    inline: &'a [TypeDefinition],
}

impl<'a> Definitions<'a> {
    /// All that an aggregate's fields can refer to.
    #[must_use]
    pub fn of(ontology: &'a Ontology, aggregate: &'a Aggregate) -> Self {
        Self::new(&ontology.types, &aggregate.inline_types)
    }

    /// The declared types, and those that stand inline in an aggregate.
    #[must_use]
    pub fn new(types: &'a [TypeDefinition], inline: &'a [TypeDefinition]) -> Self {
        Self { types, inline }
    }

    /// The definition of this Rust name.
    #[must_use]
    pub fn get(&self, rust_name: &str) -> Option<&'a TypeDefinition> {
        self.types.iter().chain(self.inline).find(|definition| definition.name() == rust_name)
    }

    /// The shape of fields, for example `{accountId: string, amount: decimal}`.
    #[must_use]
    pub fn shape(&self, fields: &[Field]) -> String {
        self.shape_within(fields, &mut Vec::new())
    }

    /// The shape of a type.
    #[must_use]
    pub fn type_shape(&self, of: &Type) -> String {
        self.type_shape_within(of, &mut Vec::new())
    }

    fn shape_within<'b>(&self, fields: &'b [Field], around: &mut Vec<&'b str>) -> String
    where
        'a: 'b,
    {
        let mut fields: Vec<(&str, String)> = fields
            .iter()
            .map(|field| (field.name.as_str(), self.type_shape_within(&field.field_type, around)))
            .collect();
        fields.sort();
        let fields: Vec<String> =
            fields.into_iter().map(|(name, shape)| format!("{name}: {shape}")).collect();
        format!("{{{}}}", fields.join(", "))
    }

    fn type_shape_within<'b>(&self, of: &'b Type, around: &mut Vec<&'b str>) -> String
    where
        'a: 'b,
    {
        match of {
            Type::String => "string".into(),
            Type::Integer => "integer".into(),
            Type::Decimal(None) => "decimal".into(),
            Type::Decimal(Some((digits, scale))) => format!("decimal({digits},{scale})"),
            Type::Boolean => "boolean".into(),
            Type::Timestamp => "timestamp".into(),
            Type::Date => "date".into(),
            Type::Duration => "duration".into(),
            Type::Uuid => "uuid".into(),
            Type::Bytes => "bytes".into(),
            Type::List(element) => format!("list<{}>", self.type_shape_within(element, around)),
            Type::Set(member) => format!("set<{}>", self.type_shape_within(member, around)),
            Type::Map(key, value) => {
                let key = self.type_shape_within(key, around);
                format!("map<{key}, {}>", self.type_shape_within(value, around))
            }
            Type::Optional(inner) => format!("{}?", self.type_shape_within(inner, around)),
            Type::Enum(name) | Type::Record(name) => match self.get(name) {
                Some(TypeDefinition::Enum(found)) => format!("enum[{}]", found.variants.join(", ")),
                // A record can contain itself through a list or a map: there its name stands for it.
                Some(TypeDefinition::Record(found)) if !around.contains(&name.as_str()) => {
                    around.push(name);
                    let shape = self.shape_within(&found.fields, around);
                    around.pop();
                    shape
                }
                _ => name.clone(),
            },
            // What is stored is the value alone: its name and its rules may change.
            Type::Newtype(_, base) => self.type_shape_within(base, around),
        }
    }
}

impl TypeDefinition {
    /// The Rust name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Enum(found) => &found.name,
            Self::Record(found) => &found.name,
            Self::Newtype(found) => &found.name,
        }
    }
}
