//! WebAssembly's binary format, as much of it as the bombs need that no text could say in reasonable time.

/// The first eight bytes of a component.
pub const COMPONENT: &[u8] = b"\0asm\x0d\x00\x01\x00";
/// The first eight bytes of a core module.
pub const MODULE: &[u8] = b"\0asm\x01\x00\x00\x00";

/// A number in the variable length that WebAssembly writes numbers in.
pub fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number % 128).expect("a remainder of 128 fits");
        number /= 128;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 128);
    }
}

/// A section behind its number and length.
pub fn section(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number];
    bytes.extend(leb(content.len()));
    bytes.extend(content);
    bytes
}

/// A custom section.
pub fn custom(name: &str, content: &[u8]) -> Vec<u8> {
    let mut whole = leb(name.len());
    whole.extend(name.as_bytes());
    whole.extend(content);
    section(0, &whole)
}

/// `file` with a section of manifest records behind it.
pub fn with_records(mut file: Vec<u8>, records: &[&str]) -> Vec<u8> {
    let mut content = Vec::new();
    for record in records {
        let length = u32::try_from(record.len()).expect("a manifest of less than 4 GiB");
        content.extend(length.to_le_bytes());
        content.extend(record.as_bytes());
    }
    file.extend(custom("camshaft:manifest", &content));
    file
}

/// A section with a component in it, in which there is one in turn, `levels` deep.
pub fn nested(levels: usize) -> Vec<u8> {
    // Each section's length depends on what is inside it, so lengths come from the innermost outwards.
    let mut heads = Vec::new();
    let mut length = 0;
    for _ in 0..levels {
        let mut head = vec![4];
        head.extend(leb(length + COMPONENT.len()));
        head.extend(COMPONENT);
        length += head.len();
        heads.push(head);
    }
    heads.into_iter().rev().flatten().collect()
}
