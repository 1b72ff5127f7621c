//! A retired event can be read, but no longer emitted.

#[path = "../data/ok/upcasts/expected.rs"]
mod upcasts;

use eventloom_runtime::{Decide, Halt};
use upcasts::invoice::{Invoice, InvoiceArchived, InvoiceError};

fn archive(context: &mut Decide<'_, Invoice>, event: InvoiceArchived) -> Result<(), Halt<InvoiceError>> {
    context.emit(event)
}

fn main() {}
