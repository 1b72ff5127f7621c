//! What is asked of a projection's rows.

use serde::Serialize;

use super::{Comparison, Expression, Field};

/// A query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Query {
    /// The ontology's name.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// What the caller gives.
    pub input: Vec<Field>,
    /// What holds for its rows; all are where there is none.
    pub condition: Option<Where>,
    /// What they are sorted by, before their key: columns, or the names of what is selected.
    pub order: Vec<Order>,
    /// How many at most; reads the input.
    pub limit: Expression,
    /// How many are left out first; reads the input.
    pub offset: Option<Expression>,
    /// What is worked out of the rows, where not they themselves are asked for.
    pub summary: Option<Summary>,
}

/// What is worked out of rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The columns in which the rows of a group are alike; none where all rows are one group.
    pub groups: Option<Vec<String>>,
    /// What is told of each group.
    pub figures: Vec<Figure>,
}

/// What is told of a group of rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Figure {
    /// The name and the type of the value.
    pub field: Field,
    /// What it is.
    pub of: FigureOf,
}

/// The kinds of figures, with their columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum FigureOf {
    /// A column of the group.
    Column(String),
    /// The number of rows.
    Count,
    /// The sum.
    Sum(String),
    /// The smallest value.
    Min(String),
    /// The greatest value.
    Max(String),
    /// The average with so many digits after the point.
    Average(String, u32),
}

/// The condition of a query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Where {
    /// As written, for documentation.
    pub text: String,
    /// What it means; reads the row and the input.
    pub meaning: Expression,
    /// The same as a read database can answer it.
    pub asked: Condition,
}

/// A condition in the form in which a read database can answer it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Condition {
    /// All of them hold.
    All(Vec<Self>),
    /// One of them holds.
    Any(Vec<Self>),
    /// It does not hold.
    Not(Box<Self>),
    /// Two values compare so; one of them at least reads a column.
    Compare(Operand, Comparison, Operand),
    /// A text begins with another, and the like.
    Text(Operand, TextTest, Operand),
    /// The column is none.
    Absent(String),
    /// Depends on the input alone.
    Given(Expression),
    /// Where this optional of the input is there its value is the local, and the condition holds; else the
    /// outcome is certain.
    Present {
        /// The optional.
        optional: Expression,
        /// The local.
        local: String,
        /// The condition.
        then: Box<Self>,
        /// The outcome where the optional is none.
        otherwise: bool,
    },
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Operand {
    /// A column.
    Column(String),
    /// An integer column as a decimal.
    Widened(String),
    /// A column of texts in small letters.
    Lowercase(String),
    /// A value that reads the input alone.
    Value(Expression),
}

/// What is asked of two texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum TextTest {
    /// `starts_with`
    StartsWith,
    /// `ends_with`
    EndsWith,
    /// `contains`
    Contains,
}

/// A column that rows are sorted by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Order {
    /// The column.
    pub column: String,
    /// Whether the greatest comes first.
    pub descending: bool,
}

impl Query {
    /// Whether the caller says how many rows.
    #[must_use]
    pub fn reads_count(&self) -> bool {
        let reads_input = |part: &Expression| {
            matches!(part.kind, super::ExpressionKind::Read(super::Scope::Input, _))
        };
        self.offset.iter().chain([&self.limit]).any(|count| count.any(&reads_input))
    }
}

impl Condition {
    /// The columns that a bare input is compared with: column and input.
    #[must_use]
    pub fn compared(&self) -> Vec<(&str, &str)> {
        use super::{ExpressionKind, Scope};
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::compared).collect(),
            Self::Not(inner) | Self::Present { then: inner, .. } => inner.compared(),
            Self::Text(Operand::Column(column), _, Operand::Value(value))
            | Self::Compare(Operand::Column(column), _, Operand::Value(value))
            | Self::Compare(Operand::Value(value), _, Operand::Column(column)) => match &value.kind
            {
                ExpressionKind::Read(Scope::Input, input) => vec![(column, input)],
                _ => Vec::new(),
            },
            Self::Compare(..) | Self::Text(..) | Self::Absent(_) | Self::Given(_) => Vec::new(),
        }
    }
}
