//! The browser, in the few words the rest of the UI needs.

use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Document, Element, HtmlDocument, HtmlElement, HtmlTextAreaElement, ResizeObserver, Window};

/// The window. `None` only outside a browser, where nothing of this runs.
pub fn window() -> Option<Window> {
    web_sys::window()
}

/// The page.
pub fn document() -> Option<Document> {
    window()?.document()
}

/// Milliseconds since the page began.
pub fn now() -> f64 {
    window().and_then(|w| w.performance()).map_or(0.0, |p| p.now())
}

/// A setting of whoever tests or measures.
pub fn flag(name: &str) -> bool {
    let storage = window().and_then(|w| w.local_storage().ok().flatten());
    storage.and_then(|s| s.get_item(name).ok().flatten()).as_deref() == Some("1")
}

/// Width and height of the window in CSS pixels.
pub fn size() -> (f64, f64) {
    let side = |of: fn(&Window) -> Result<JsValue, JsValue>, otherwise: f64| {
        window().and_then(|w| of(&w).ok()).and_then(|v| v.as_f64()).unwrap_or(otherwise)
    };
    (side(Window::inner_width, 1_440.0), side(Window::inner_height, 900.0))
}

/// Calls back when one of some elements has another size, until it is dropped.
pub struct SizeWatch {
    observer: ResizeObserver,
    _closure: Closure<dyn FnMut()>,
}

impl SizeWatch {
    /// Watches. `None` in a browser that cannot.
    pub fn new(elements: &[&Element], then: impl FnMut() + 'static) -> Option<SizeWatch> {
        let closure = Closure::<dyn FnMut()>::new(then);
        let observer = ResizeObserver::new(closure.as_ref().unchecked_ref()).ok()?;
        elements.iter().for_each(|element| observer.observe(element));
        Some(SizeWatch { observer, _closure: closure })
    }
}

impl Drop for SizeWatch {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}

/// Puts the keyboard's focus on an element.
pub fn focus(id: &str) {
    if let Some(element) = document().and_then(|d| d.get_element_by_id(id))
        && let Some(element) = element.dyn_ref::<HtmlElement>()
    {
        // An element that cannot take the focus leaves it where it is.
        let _ = element.focus();
    }
}

/// Moves the focus from the last to the first thing within an element that takes it, or back. Answers whether it did.
pub fn wrap_focus(within: &Element, back: bool) -> bool {
    const TAKES_FOCUS: &str = "button:not(:disabled):not([tabindex='-1']), input, [tabindex='0']";
    let Ok(found) = within.query_selector_all(TAKES_FOCUS) else { return false };
    let ends = [found.item(0), found.item(found.length().saturating_sub(1))];
    let [Some(first), Some(last)] = ends.map(|end| end.and_then(|end| end.dyn_into::<HtmlElement>().ok())) else {
        return false;
    };
    let active = document().and_then(|d| d.active_element());
    let at = |end: &HtmlElement| active.as_ref() == Some(end.as_ref());
    // The frame itself has the focus where nothing in it was given it.
    let (leaves, to) = if back { (at(&first) || active.as_ref() == Some(within), &last) } else { (at(&last), &first) };
    leaves && to.focus().is_ok()
}

/// Scrolls what has this id to its top.
pub fn scroll_up(id: &str) {
    if let Some(element) = document().and_then(|d| d.get_element_by_id(id)) {
        element.set_scroll_top(0);
    }
}

/// Scrolls whatever holds an element no further than needed for it to be in sight, up, down and sideways.
pub fn reveal(id: &str) {
    if let Some(element) = document().and_then(|d| d.get_element_by_id(id)) {
        let options = web_sys::ScrollIntoViewOptions::new();
        options.set_block(web_sys::ScrollLogicalPosition::Nearest);
        options.set_inline(web_sys::ScrollLogicalPosition::Nearest);
        element.scroll_into_view_with_scroll_into_view_options(&options);
    }
}

/// The nearest element, outwards, that has an attribute, and its value.
pub fn attribute_around(target: Option<web_sys::EventTarget>, name: &str) -> Option<(Element, String)> {
    let element = target?.dyn_into::<Element>().ok()?.closest(&format!("[{name}]")).ok()??;
    let value = element.get_attribute(name)?;
    Some((element, value))
}

/// Puts text on the clipboard.
pub async fn copy(text: String) -> Result<(), String> {
    let clipboard = window().and_then(|w| js_sys::Reflect::get(w.navigator().as_ref(), &"clipboard".into()).ok());
    if let Some(clipboard) = clipboard.filter(|c| !c.is_undefined()) {
        let clipboard: web_sys::Clipboard = clipboard.unchecked_into();
        if JsFuture::from(clipboard.write_text(&text)).await.is_ok() {
            return Ok(());
        }
    }
    copy_through_selection(&text).ok_or_else(|| "The clipboard refused the text.".into())
}

/// Where a window gives no clipboard to scripts, it still copies what is selected.
fn copy_through_selection(text: &str) -> Option<()> {
    let document = document()?;
    let before = document.active_element();
    let area: HtmlTextAreaElement = document.create_element("textarea").ok()?.dyn_into().ok()?;
    area.set_value(text);
    area.set_attribute("class", "offscreen").ok()?;
    document.body()?.append_child(&area).ok()?;
    area.select();
    let copied = document.dyn_ref::<HtmlDocument>()?.exec_command("copy").unwrap_or(false);
    area.remove();
    if let Some(element) = before.and_then(|e| e.dyn_into::<HtmlElement>().ok()) {
        let _ = element.focus();
    }
    copied.then_some(())
}

/// Reports a fault where the page's loader hears it, which sends it to the app's log.
pub fn report(text: &str) {
    let global = js_sys::global();
    if let Ok(report) = js_sys::Reflect::get(&global, &"reportError".into())
        && let Some(report) = report.dyn_ref::<js_sys::Function>()
    {
        let _ = report.call1(&JsValue::UNDEFINED, &js_sys::Error::new(text));
    }
}
