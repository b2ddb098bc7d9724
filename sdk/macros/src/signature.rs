//! Validates the signature of the function under the attribute.

use syn::{FnArg, Ident, ItemFn, ReturnType, Safety, Token, Type, spanned::Spanned};

/// The parts of the signature that the generated call needs.
pub struct Signature<'f> {
    /// The function's name.
    pub name: &'f Ident,
    /// The type of its first argument.
    pub event: &'f Type,
    /// The type of its second argument, such as `&mut Context` or `&Context`, if it has one.
    pub context: Option<&'f Type>,
    /// The type of its result.
    pub output: &'f Type,
}

/// The form that an attribute requires of its function, in the words of the error messages.
pub struct Form {
    noun: &'static str,
    generic: &'static str,
    output: &'static str,
    input: &'static str,
    by_value: &'static str,
    context: &'static str,
    too_many: &'static str,
}

impl Form {
    /// The function of `#[handler]`.
    pub const HANDLER: Self = Self {
        noun: "a handler",
        generic: "the event data has one type, as in `Event<OrderPlaced>`",
        output: "`Result`: `Ok(())`, or an error that means retry or reject",
        input: "the event: `fn f(order: Event<OrderPlaced>) -> Result`",
        by_value: "the event by value: `Event<…>`",
        context: "`ctx: &mut Context`",
        too_many: "the event and, optionally, `ctx: &mut Context`",
    };
    /// The function of `#[command]`.
    pub const COMMAND: Self = Self {
        noun: "a command's function",
        generic: "the command data has one type, as in `Command<Subscribe>`",
        output: "`Decided<…>`: the reply, or a refusal",
        input: "the command: `fn f(command: Command<Subscribe>, ctx: &mut Decide) -> Decided`",
        by_value: "the command by value: `Command<…>`",
        context: "`ctx: &mut Decide`",
        too_many: "the command and `ctx: &mut Decide`",
    };
}

impl<'f> Signature<'f> {
    /// Validates the form of the function. The compiler checks the types.
    pub fn of(function: &'f ItemFn, form: &Form) -> syn::Result<Self> {
        let signature = &function.sig;
        let noun = form.noun;
        let qualifier = None
            .or(signature
                .asyncness
                .map(|token| (token.span(), "`async`: every call into the runtime is synchronous")))
            .or(unsafe_token(signature).map(|token| (token.span(), "`unsafe`")))
            .or(signature.abi.as_ref().map(|abi| (abi.span(), "`extern`")));
        if let Some((span, what)) = qualifier {
            return Err(syn::Error::new(span, format!("{noun} must be a plain function, not {what}")));
        }
        if !signature.generics.params.is_empty() {
            let message = format!("{noun} cannot be generic: {}", form.generic);
            return Err(syn::Error::new(signature.generics.span(), message));
        }
        let ReturnType::Type(_, output) = &signature.output else {
            return Err(syn::Error::new(
                signature.ident.span(),
                format!("{noun} must return {}", form.output),
            ));
        };
        let mut arguments = signature.inputs.iter();
        let Some(event) = arguments.next() else {
            return Err(syn::Error::new(signature.ident.span(), format!("{noun} must take {}", form.input)));
        };
        let event = typed(event, noun)?;
        if let Type::Reference(reference) = event {
            let message = format!("{noun} must take {}", form.by_value);
            return Err(syn::Error::new(reference.and_token.span(), message));
        }
        let context = arguments.next().map(|argument| typed(argument, noun)).transpose()?;
        if let Some(context) = context.filter(|context| !matches!(context, Type::Reference(_))) {
            let message = format!("the second argument of {noun} must be {}", form.context);
            return Err(syn::Error::new(context.span(), message));
        }
        if let Some(third) = arguments.next() {
            return Err(syn::Error::new(third.span(), format!("{noun} takes only {}", form.too_many)));
        }
        Ok(Self { name: &signature.ident, event, context, output })
    }
}

fn unsafe_token(signature: &syn::Signature) -> Option<Token![unsafe]> {
    match signature.safety {
        Safety::Unsafe(token) => Some(token),
        _ => None,
    }
}

fn typed<'f>(argument: &'f FnArg, noun: &str) -> syn::Result<&'f Type> {
    match argument {
        FnArg::Typed(argument) => Ok(&argument.ty),
        FnArg::Receiver(receiver) => {
            Err(syn::Error::new(receiver.span(), format!("{noun} must be a free function, not a method")))
        }
    }
}
