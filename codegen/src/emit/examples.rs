//! Examples in the documentation.

use super::Options;
use super::projections::ReadModel;
use super::view::View;
use crate::model::Command;

pub(crate) struct Examples<'m> {
    pub(crate) options: &'m Options,
}

impl Examples<'_> {
    pub(crate) fn command(&self, _view: &View<'_>, _command: &Command) -> Option<String> {
        let _ = &self.options.module_path;
        None
    }

    pub(crate) fn projection(&self, _model: &ReadModel<'_>) -> Option<String> {
        None
    }
}
