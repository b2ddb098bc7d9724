//! Validates the signature of the function under the attribute.

use syn::{FnArg, Ident, ItemFn, ReturnType, Safety, Token, Type, spanned::Spanned};

/// The parts of the signature that the generated call needs.
pub struct Signature<'f> {
    /// The function's name.
    pub name: &'f Ident,
    /// The type of its first argument.
    pub event: &'f Type,
    /// The type of its second argument, `&mut Context` or `&Context`, if it has one.
    pub context: Option<&'f Type>,
}

impl<'f> Signature<'f> {
    /// Validates the form of the function. The compiler checks the types.
    pub fn of(function: &'f ItemFn) -> syn::Result<Self> {
        let signature = &function.sig;
        let qualifier = None
            .or(signature
                .asyncness
                .map(|token| (token.span(), "`async`: every call into the runtime is synchronous")))
            .or(unsafe_token(signature).map(|token| (token.span(), "`unsafe`")))
            .or(signature.abi.as_ref().map(|abi| (abi.span(), "`extern`")));
        if let Some((span, what)) = qualifier {
            return Err(syn::Error::new(span, format!("a handler must be a plain function, not {what}")));
        }
        if !signature.generics.params.is_empty() {
            let message =
                "a handler cannot be generic: the event data has one type, as in `Event<OrderPlaced>`";
            return Err(syn::Error::new(signature.generics.span(), message));
        }
        if matches!(signature.output, ReturnType::Default) {
            let message = "a handler must return `Result`: `Ok(())`, or an error that means retry or reject";
            return Err(syn::Error::new(signature.ident.span(), message));
        }
        let mut arguments = signature.inputs.iter();
        let Some(event) = arguments.next() else {
            let message = "a handler must take the event: `fn f(order: Event<OrderPlaced>) -> Result`";
            return Err(syn::Error::new(signature.ident.span(), message));
        };
        let event = typed(event)?;
        if let Type::Reference(reference) = event {
            let message = "a handler must take the event by value: `Event<…>`";
            return Err(syn::Error::new(reference.and_token.span(), message));
        }
        let context = arguments.next().map(typed).transpose()?;
        if let Some(context) = context.filter(|context| !matches!(context, Type::Reference(_))) {
            let message = "a handler's second argument must be `ctx: &mut Context`";
            return Err(syn::Error::new(context.span(), message));
        }
        if let Some(third) = arguments.next() {
            let message = "a handler takes only the event and, optionally, `ctx: &mut Context`";
            return Err(syn::Error::new(third.span(), message));
        }
        Ok(Self { name: &signature.ident, event, context })
    }
}

fn unsafe_token(signature: &syn::Signature) -> Option<Token![unsafe]> {
    match signature.safety {
        Safety::Unsafe(token) => Some(token),
        _ => None,
    }
}

fn typed(argument: &FnArg) -> syn::Result<&Type> {
    match argument {
        FnArg::Typed(argument) => Ok(&argument.ty),
        FnArg::Receiver(receiver) => {
            Err(syn::Error::new(receiver.span(), "a handler must be a free function, not a method"))
        }
    }
}
