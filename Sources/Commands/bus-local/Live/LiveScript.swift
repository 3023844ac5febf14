/// The live page's script.
enum LiveScript {
    /// Fetches the page again when the server says that something is new, and puts the changed parts in place.
    ///
    /// What somebody has opened or closed stays so, and the focus stays where it was; without an id it cannot be found
    /// again, and that part waits.
    static let text = """
        "use strict";
        (() => {
          let isBusy = false, isStale = false;
          const place = element => element.matches("summary") ? element.parentElement.id : element.id;
          function replace(part, fresh, page) {
            const focus = part.contains(document.activeElement) ? place(document.activeElement) : null;
            if (focus === "" || focus && !page.getElementById(focus)) return;
            for (const fold of part.querySelectorAll("details[id]")) {
              const twin = page.getElementById(fold.id);
              if (twin && fold.open !== "open" in fold.dataset) twin.open = fold.open;
            }
            part.replaceChildren(...fresh.childNodes);
            if (focus) {
              const found = document.getElementById(focus);
              (found.matches("details") ? found.querySelector("summary") : found).focus({ preventScroll: true });
            }
          }
          async function refresh() {
            if (isBusy) { isStale = true; return; }
            isBusy = true;
            try {
              const answer = await fetch("/", { headers: { Accept: "text/html" } });
              if (!answer.ok) return;
              const page = new DOMParser().parseFromString(await answer.text(), "text/html");
              for (const part of document.querySelectorAll("[data-live]")) {
                const fresh = page.getElementById(part.id);
                if (fresh && fresh.innerHTML !== part.dataset.shown) {
                  const text = fresh.innerHTML;
                  if (part.innerHTML !== text) replace(part, fresh, page);
                  part.dataset.shown = text;
                }
              }
            } catch (error) {
              // The server is away; the stream comes back by itself.
            } finally {
              setTimeout(() => { isBusy = false; if (isStale) { isStale = false; refresh(); } }, 300);
            }
          }
          const news = new EventSource("/live/updates");
          news.onmessage = refresh;
          addEventListener("pagehide", () => news.close());
        })();

        """
}
