//! Dark, light, or as the system says. Colours stand in one file, `static/tokens.css`, and nowhere else; the tests here
//! hold it to its contrast.

use sensor_wire::view::Theme;
use web_sys::MediaQueryList;

use crate::dom;

const PREFERS_LIGHT: &str = "(prefers-color-scheme: light)";

/// Puts a theme on the page.
pub fn apply(theme: Theme) {
    let light = match theme {
        Theme::Dark => false,
        Theme::Light => true,
        Theme::System => system().is_some_and(|query| query.matches()),
    };
    if let Some(root) = dom::document().and_then(|d| d.document_element()) {
        // A page without the attribute is dark.
        let _ = root.set_attribute("data-theme", if light { "light" } else { "dark" });
    }
}

/// The system's wish, which can change while the window is open.
pub fn system() -> Option<MediaQueryList> {
    dom::window()?.match_media(PREFERS_LIGHT).ok().flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    const TOKENS: &str = include_str!("../static/tokens.css");
    const STYLES: [(&str, &str); 2] =
        [("app.css", include_str!("../static/app.css")), ("why.css", include_str!("../static/why.css"))];

    /// The colours of a block, `--name: #rrggbb;` a line.
    fn colours(selector: &str) -> HashMap<String, [f64; 3]> {
        let block = TOKENS.split(&format!("\n{selector} {{")).nth(1).unwrap().split('}').next().unwrap();
        block
            .lines()
            .filter_map(|line| line.trim().strip_prefix("--")?.split_once(": #"))
            .map(|(name, hex)| (name, hex.split(';').next().unwrap()))
            // Eight digits are a shade that lets its ground through: no text stands on it.
            .filter(|(_, hex)| hex.len() != 8)
            .map(|(name, hex)| {
                assert_eq!(hex.len(), 6, "--{name} is written with six digits");
                let part = |i: usize| f64::from(u8::from_str_radix(&hex[i..i + 2], 16).unwrap()) / 255.0;
                (name.to_owned(), [part(0), part(2), part(4)])
            })
            .collect()
    }

    /// WCAG 2.2, relative luminance and contrast ratio.
    fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
        let luminance = |colour: [f64; 3]| {
            let [r, g, b] = colour.map(|c| if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) });
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_is_readable_on_every_ground_in_both_themes() {
        let texts = ["text", "mute", "faint", "accent", "good", "warn", "bad", "up", "down"];
        let grounds = ["bg", "panel", "raised", "hover", "sel"];
        for theme in [":root", ":root[data-theme=\"light\"]"] {
            let colours = colours(theme);
            for text in texts {
                for ground in grounds {
                    let ratio = contrast(colours[text], colours[ground]);
                    assert!(ratio >= 4.5, "{theme}: --{text} on --{ground} is {ratio:.2}:1");
                }
            }
            for badge in ["sev1", "sev2", "sev3", "sev4", "svc", "log"] {
                let ratio = contrast(colours[&format!("{badge}-text")], colours[badge]);
                assert!(ratio >= 4.5, "{theme}: badge {badge} is {ratio:.2}:1");
            }
            let ratio = contrast(colours["on-accent"], colours["accent-fill"]);
            assert!(ratio >= 4.5, "{theme}: a filled button is {ratio:.2}:1");
        }
    }

    #[test]
    fn marks_stand_out_from_their_ground() {
        // WCAG 1.4.11: 3:1 for what is not text.
        for theme in [":root", ":root[data-theme=\"light\"]"] {
            let colours = colours(theme);
            for mark in ["kind-flow", "kind-alert", "kind-discovery", "kind-syslog", "kind-incident", "focus"] {
                let ratio = contrast(colours[mark], colours["bg"]);
                assert!(ratio >= 3.0, "{theme}: --{mark} on --bg is {ratio:.2}:1");
            }
        }
    }

    #[test]
    fn both_themes_name_the_same_colours() {
        let (mut dark, mut light): (Vec<_>, Vec<_>) =
            (colours(":root").into_keys().collect(), colours(":root[data-theme=\"light\"]").into_keys().collect());
        dark.sort();
        light.sort();
        assert_eq!(dark, light);
    }

    #[test]
    fn colours_stand_in_the_token_file_only() {
        for (file, styles) in STYLES {
            for (number, line) in styles.lines().enumerate() {
                // Selectors have colons and hashes of their own.
                let declarations = line.split_once('{').map_or(line, |(_, declarations)| declarations);
                let value = declarations.split_once(':').map_or("", |(_, value)| value);
                assert!(!value.contains('#') && !value.contains("rgb"), "{file}:{}: {line}", number + 1);
            }
        }
    }
}
