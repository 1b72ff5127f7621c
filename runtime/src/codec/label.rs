//! Enums by their variants' names.

/// An enum of the ontology: written as the name of its variant.
pub trait Label: Copy + 'static {
    /// The names of the variants, in order.
    const NAMES: &'static [&'static str];

    /// Index of this variant in [`Self::NAMES`].
    fn index(self) -> usize;

    /// The variant at an index of [`Self::NAMES`].
    fn from_index(index: usize) -> Option<Self>;

    /// Name of this variant.
    fn name(self) -> &'static str {
        Self::NAMES[self.index()]
    }

    /// The variant of that name.
    fn from_name(name: &str) -> Option<Self> {
        let index = Self::NAMES.iter().position(|known| *known == name)?;
        Self::from_index(index)
    }
}
