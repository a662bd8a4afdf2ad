//! `NormalizeDiacritics`: Latin letters without their accents.
//!
//! The reference lists letters; here every precomposed Latin letter of Unicode that is an ASCII letter with marks is
//! covered, and marks that follow a letter are dropped. Letters of their own that the list does not have (đ, þ) stay.

/// Letters with diacritics, and what each becomes.
const LETTERS: [(&str, &str); 55] = [
    ("ÀÁÂÃÄÅĀĂĄǍǞǠǺȀȂȦḀẠẢẤẦẨẪẬẮẰẲẴẶ", "A"),
    ("ḂḄḆ", "B"),
    ("ÇĆĈĊČḈ", "C"),
    ("ĎḊḌḎḐḒ", "D"),
    ("ÈÉÊËĒĔĖĘĚȄȆȨḔḖḘḚḜẸẺẼẾỀỂỄỆ", "E"),
    ("Ḟ", "F"),
    ("ĜĞĠĢǦǴḠ", "G"),
    ("ĤȞḢḤḦḨḪ", "H"),
    ("ÌÍÎÏĨĪĬĮİǏȈȊḬḮỈỊ", "I"),
    ("Ĵ", "J"),
    ("ĶǨḰḲḴ", "K"),
    ("ĹĻĽḶḸḺḼŁ", "L"),
    ("ḾṀṂ", "M"),
    ("ÑŃŅŇǸṄṆṈṊ", "N"),
    ("ÒÓÔÕÖŌŎŐƠǑǪǬȌȎȪȬȮȰṌṎṐṒỌỎỐỒỔỖỘỚỜỞỠỢ", "O"),
    ("ṔṖ", "P"),
    ("ŔŖŘȐȒṘṚṜṞ", "R"),
    ("ŚŜŞŠȘṠṢṤṦṨ", "S"),
    ("ŢŤȚṪṬṮṰ", "T"),
    ("ÙÚÛÜŨŪŬŮŰŲƯǓǕǗǙǛȔȖṲṴṶṸṺỤỦỨỪỬỮỰ", "U"),
    ("ṼṾ", "V"),
    ("ŴẀẂẄẆẈ", "W"),
    ("ẊẌ", "X"),
    ("ÝŶŸȲẎỲỴỶỸ", "Y"),
    ("ŹŻŽẐẒẔ", "Z"),
    ("àáâãäåāăąǎǟǡǻȁȃȧḁạảấầẩẫậắằẳẵặ", "a"),
    ("ḃḅḇ", "b"),
    ("çćĉċčḉ", "c"),
    ("ďḋḍḏḑḓ", "d"),
    ("èéêëēĕėęěȅȇȩḕḗḙḛḝẹẻẽếềểễệ", "e"),
    ("ḟ", "f"),
    ("ĝğġģǧǵḡ", "g"),
    ("ĥȟḣḥḧḩḫẖ", "h"),
    ("ìíîïĩīĭįǐȉȋḭḯỉịı", "i"),
    ("ĵǰ", "j"),
    ("ķǩḱḳḵ", "k"),
    ("ĺļľḷḹḻḽł", "l"),
    ("ḿṁṃ", "m"),
    ("ñńņňǹṅṇṉṋ", "n"),
    ("òóôõöōŏőơǒǫǭȍȏȫȭȯȱṍṏṑṓọỏốồổỗộớờởỡợ", "o"),
    ("ṕṗ", "p"),
    ("ŕŗřȑȓṙṛṝṟ", "r"),
    ("śŝşšșṡṣṥṧṩ", "s"),
    ("ţťțṫṭṯṱẗ", "t"),
    ("ùúûüũūŭůűųưǔǖǘǚǜȕȗṳṵṷṹṻụủứừửữự", "u"),
    ("ṽṿ", "v"),
    ("ŵẁẃẅẇẉẘ", "w"),
    ("ẋẍ", "x"),
    ("ýÿŷȳẏẙỳỵỷỹ", "y"),
    ("źżžẑẓẕ", "z"),
    ("æǣǽ", "ae"),
    ("ÆǢǼ", "AE"),
    ("øǿœ", "oe"),
    ("ØǾŒ", "OE"),
    ("ß", "ss"),
];

/// The text with diacritical letters replaced by plain ones.
pub(super) fn normalize(text: &str) -> String {
    text.chars().filter(|&character| !is_combining_mark(character)).fold(String::new(), |mut normalized, character| {
        match LETTERS.iter().find(|(letters, _)| !character.is_ascii() && letters.contains(character)) {
            Some((_, plain)) => normalized.push_str(plain),
            None => normalized.push(character),
        }
        normalized
    })
}

/// Combining Diacritical Marks, their extensions and supplement.
fn is_combining_mark(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}')
}
