//! Which types of the outermost component are instances without functions.
//!
//! The survey shows it the sections in file order, so an import's type is known before the import. Nothing is
//! validated: in a file that breaks the rules of WebAssembly, an answer may be wrong, and the compiler
//! refuses the file later.

use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentOuterAliasKind, ComponentType, ComponentTypeRef,
    InstanceTypeDeclaration, Payload,
};

/// The index space of types of the outermost component: whether each is an instance without functions.
#[derive(Debug, Default)]
pub struct Types(Vec<bool>);

impl Types {
    /// Whether an import of this type is an instance without functions.
    pub fn is_without_functions(&self, import: ComponentTypeRef) -> bool {
        match import {
            ComponentTypeRef::Instance(index) => self.0.get(index as usize).copied().unwrap_or_default(),
            _ => false,
        }
    }

    /// Takes the next section. Other sections than those that define types change nothing.
    pub fn note(&mut self, payload: &Payload<'_>) -> wasmparser::Result<()> {
        match payload {
            Payload::ComponentTypeSection(section) => {
                for defined in section.clone() {
                    self.0.push(is_without_functions(&defined?));
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section.clone() {
                    let is_type = matches!(import?.ty, ComponentTypeRef::Type(_));
                    self.0.extend(is_type.then_some(false));
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section.clone() {
                    let is_type = export?.kind == ComponentExternalKind::Type;
                    self.0.extend(is_type.then_some(false));
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section.clone() {
                    let is_type = matches!(
                        alias?,
                        ComponentAlias::InstanceExport { kind: ComponentExternalKind::Type, .. }
                            | ComponentAlias::Outer { kind: ComponentOuterAliasKind::Type, .. }
                    );
                    self.0.extend(is_type.then_some(false));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn is_without_functions(defined: &ComponentType<'_>) -> bool {
    let ComponentType::Instance(declarations) = defined else { return false };
    let is_function = |declaration: &InstanceTypeDeclaration<'_>| {
        matches!(declaration, InstanceTypeDeclaration::Export { ty: ComponentTypeRef::Func(_), .. })
    };
    !declarations.iter().any(is_function)
}
