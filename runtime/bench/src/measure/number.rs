//! Figures as a reader wants them: three significant digits, thousands apart.

/// `value` with three significant digits, as far as a table needs them.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        return "0".to_owned();
    }
    if size < 999.5 {
        let digits = 2 - size.log10().floor() as i32;
        return format!("{value:.*}", digits.clamp(0, 6) as usize);
    }
    let unit = 10_f64.powi(size.log10().floor() as i32 - 2);
    grouped((value / unit).round() * unit)
}

fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    if value < 0.0 {
        text.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_significant_digits_and_groups_of_three() {
        let check = |value: f64, text: &str| assert_eq!(number(value), text);
        check(0.0, "0");
        check(0.012_345, "0.0123");
        check(0.5, "0.500");
        check(1.0, "1.00");
        check(9.876, "9.88");
        check(12.345, "12.3");
        check(345.6, "346");
        check(999.6, "1,000");
        check(12_345.0, "12,300");
        check(1_234_567.0, "1,230,000");
        check(-1_500.0, "-1,500");
    }
}
