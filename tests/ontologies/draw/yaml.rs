//! YAML as it is written here: names plain, everything else in quotes, in one of several styles.

/// A part of an ontology.
#[derive(Clone, Debug)]
pub(crate) enum Yaml {
    /// A word that stands as it is.
    Word(String),
    /// Anything else.
    Text(String),
    List(Vec<Yaml>),
    Map(Vec<(String, Yaml)>),
}

impl Yaml {
    pub(crate) fn word(text: impl Into<String>) -> Self {
        Self::Word(text.into())
    }

    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A mapping of one entry.
    pub(crate) fn one(key: impl Into<String>, value: Yaml) -> Self {
        Self::Map(vec![(key.into(), value)])
    }

    /// As the value of a key or the item of a list, where `indent` is that of its lines.
    fn write(&self, indent: usize, out: &mut String) {
        match self {
            Self::Word(word) => out.push_str(&format!(" {word}\n")),
            Self::Text(text) => out.push_str(&format!(" {}\n", quoted(text))),
            Self::List(items) if items.is_empty() => out.push_str(" []\n"),
            Self::Map(entries) if entries.is_empty() => out.push_str(" {}\n"),
            Self::List(_) | Self::Map(_) => {
                out.push('\n');
                self.write_lines(indent, out);
            }
        }
    }

    /// The lines of a list or a mapping.
    pub(crate) fn write_lines(&self, indent: usize, out: &mut String) {
        let margin = " ".repeat(indent);
        match self {
            Self::List(items) => {
                for item in items {
                    out.push_str(&format!("{margin}-"));
                    item.write(indent + 4, out);
                }
            }
            Self::Map(entries) => {
                for (key, value) in entries {
                    out.push_str(&format!("{margin}{key}:"));
                    value.write(indent + 2, out);
                }
            }
            Self::Word(_) | Self::Text(_) => self.write(indent, out),
        }
    }
}

/// In the quotes that need less to be escaped.
fn quoted(text: &str) -> String {
    if text.contains('\'') && !text.contains(['"', '\\']) {
        return format!("\"{text}\"");
    }
    format!("'{}'", text.replace('\'', "''"))
}
