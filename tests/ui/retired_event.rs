//! A retired event can be read, but no longer emitted.

use eventloom_runtime::{Decide, Halt};
use eventloom_tests::goldens::upcasts::invoice::{Invoice, InvoiceArchived, InvoiceError};

fn archive(context: &mut Decide<'_, Invoice>, event: InvoiceArchived) -> Result<(), Halt<InvoiceError>> {
    context.emit(event)
}

fn main() {}
