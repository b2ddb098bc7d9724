//! Types of components, counted without recursion.
//!
//! A type of an instance or component contains declarations, which may be such types in turn. The parser
//! calls itself for each level, so a few kilobytes of them end a process for want of stack. Here they are
//! counted with a list of the levels that are open, before the parser sees them.

use wasmparser::{BinaryReader, ComponentType, ComponentTypeDeclaration};

use super::{Fault, more};

/// Types inside each other. Tools nest four; the validator allows 100.
const MAX_NESTING: usize = 32;

/// First byte of the type of a component, and of an instance.
const COMPONENT: u8 = 0x41;
const INSTANCE: u8 = 0x42;
/// First byte of a declaration that is a type.
const TYPE: u8 = 0x01;

/// Types and declarations of a section.
pub struct Counted {
    /// All of them.
    pub all: u64,
    /// Declarations of the largest of the outermost types, those inside them included.
    pub largest: u64,
}

/// Counts the `count` types in `content`, which begins at `position` of its file.
pub fn count(count: u32, content: &[u8], position: usize) -> Result<Counted, Fault> {
    let mut reader = BinaryReader::new(content, position);
    let mut counted = Counted { all: 0, largest: 0 };
    // How many declarations are still to come on each level; the outermost level is the section itself.
    let mut open = vec![count];
    let mut of_this_type = 0;
    while let Some(left) = open.last_mut() {
        if *left == 0 {
            open.pop();
            continue;
        }
        *left -= 1;
        counted.all += 1;
        let is_outermost = open.len() == 1;
        of_this_type = if is_outermost { 0 } else { of_this_type + 1 };
        counted.largest = counted.largest.max(of_this_type);
        if !is_outermost && peek(&reader)? != TYPE {
            reader.read::<ComponentTypeDeclaration<'_>>()?;
            continue;
        }
        if !is_outermost {
            reader.read_u8()?;
        }
        if !matches!(peek(&reader)?, COMPONENT | INSTANCE) {
            reader.read::<ComponentType<'_>>()?;
            continue;
        }
        reader.read_u8()?;
        open.push(reader.read_var_u32()?);
        if open.len() > MAX_NESTING + 1 {
            return Err(more(MAX_NESTING as u64, "levels of types inside each other"));
        }
    }
    Ok(counted)
}

fn peek(reader: &BinaryReader<'_>) -> wasmparser::Result<u8> {
    reader.clone().read_u8()
}
