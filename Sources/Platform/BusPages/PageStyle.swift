/// The one stylesheet of our pages: a system font, one scale of sizes and spaces, light and dark.
///
/// Pages take their looks from these classes alone; none has a style of its own.
package enum PageStyle {
    /// The whole sheet.
    package static let text = scale + dark + elements + blocks + controls + live + small

    private static let scale = """
        :root {
          color-scheme: light dark;
          --size-s: 0.875rem; --size-m: 1rem; --size-l: 1.25rem; --size-xl: 1.75rem;
          --space-xs: 0.25rem; --space-s: 0.5rem; --space-m: 1rem; --space-l: 1.5rem; --space-xl: 2.5rem;
          --target: 44px; --round: 0.5rem;
          --ground: #f5f6f8; --surface: #ffffff; --ink: #1b1f24; --quiet: #545d68;
          --line: #d5dae0; --edge: #7a838e;
          --accent: #0b5cad; --accent-ink: #ffffff;
          --danger: #ad1f14; --good: #17692e; --warn: #765200;
          --mark: #ffe9a8; --mark-ink: #4a3600; --mark-line: #e3bf4d;
        }

        """

    private static let dark = """
        @media (prefers-color-scheme: dark) {
          :root {
            --ground: #0f1318; --surface: #191f27; --ink: #e8ecf1; --quiet: #a8b2bd;
            --line: #323b46; --edge: #7b8694;
            --accent: #86bcff; --accent-ink: #071a2e;
            --danger: #ff9a90; --good: #76d694; --warn: #f2c75c;
            --mark: #372b06; --mark-ink: #ffe08a; --mark-line: #6d560e;
          }
        }

        """

    private static let elements = """
        *, ::before, ::after { box-sizing: border-box; }
        html { -webkit-text-size-adjust: 100%; }
        body {
          margin: 0; min-height: 100vh; display: flex; flex-direction: column;
          background: var(--ground); color: var(--ink);
          font: var(--size-m)/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
          overflow-wrap: anywhere;
        }
        main { width: 100%; max-width: 40rem; margin: 0 auto; padding: var(--space-l) var(--space-m); flex: 1; }
        main.wide { max-width: 72rem; }
        h1, h2, h3, p, ul, dl, dd, fieldset, table { margin: 0; padding: 0; }
        h1 { font-size: var(--size-xl); line-height: 1.2; letter-spacing: -0.01em; }
        h2 { font-size: var(--size-l); line-height: 1.3; }
        h3 { font-size: var(--size-m); }
        ul { list-style: none; }
        a { color: var(--accent); text-underline-offset: 0.15em; }
        code { font-family: ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace; font-size: var(--size-s); }
        time, .number { font-variant-numeric: tabular-nums; white-space: nowrap; }
        table { width: 100%; border-collapse: collapse; }
        th, td { padding: var(--space-s) var(--space-s) var(--space-s) 0; text-align: left; vertical-align: baseline; }
        th { color: var(--quiet); font-size: var(--size-s); font-weight: 600; }
        tbody tr { border-top: 1px solid var(--line); }
        th.number, td.number { text-align: right; padding-right: 0; }
        :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
        @media (prefers-reduced-motion: no-preference) {
          .button { transition: filter 120ms; }
        }

        """

    private static let blocks = """
        .sandbox {
          padding: var(--space-s) var(--space-m); text-align: center; font-size: var(--size-s);
          background: var(--mark); color: var(--mark-ink); border-bottom: 1px solid var(--mark-line);
        }
        .footer {
          padding: var(--space-m); text-align: center; color: var(--quiet); font-size: var(--size-s);
        }
        .stack { display: grid; gap: var(--space-m); grid-template-columns: minmax(0, 1fr); }
        .stack.loose { gap: var(--space-l); }
        .stack.tight { gap: var(--space-xs); }
        .row { display: flex; flex-wrap: wrap; gap: var(--space-s) var(--space-m); align-items: center; }
        .row.spread { justify-content: space-between; }
        .card {
          padding: var(--space-l); background: var(--surface); border: 1px solid var(--line);
          border-radius: var(--round);
        }
        .rule { border-top: 1px solid var(--line); padding-top: var(--space-m); }
        .quiet { color: var(--quiet); }
        .hint { color: var(--quiet); font-size: var(--size-s); }
        td .hint { display: block; }
        .price { color: var(--quiet); }
        .price strong {
          margin-right: var(--space-xs);
          font-size: var(--size-xl); line-height: 1.2; color: var(--ink); font-variant-numeric: tabular-nums;
        }
        .lines > li { display: grid; gap: 0 var(--space-m); grid-template-columns: minmax(0, 1fr) auto; }
        .lines > li + li { border-top: 1px solid var(--line); margin-top: var(--space-s); padding-top: var(--space-s); }
        .lines .number { text-align: right; }
        .lines .hint { grid-column: 1 / -1; }
        .facts { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: var(--space-xs) var(--space-l); }
        .facts dt { color: var(--quiet); }
        .badge {
          display: inline-block; padding: 0 var(--space-s); border: 1px solid currentColor; border-radius: 1em;
          font-size: var(--size-s); font-weight: 600; white-space: nowrap; color: var(--quiet);
        }
        .badge.good { color: var(--good); }
        .badge.warn { color: var(--warn); }
        .badge.bad { color: var(--danger); }
        .notice {
          padding: var(--space-s) var(--space-m); background: var(--surface); border: 1px solid var(--line);
          border-left: 4px solid var(--accent); border-radius: var(--round);
        }
        .notice.good { border-left-color: var(--good); }
        .notice.bad { border-left-color: var(--danger); }
        .hidden {
          position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%);
          white-space: nowrap;
        }

        """

    private static let controls = """
        .field { display: grid; gap: var(--space-xs); }
        .field label, legend { font-weight: 600; }
        legend { padding: 0 0 var(--space-s); }
        fieldset { border: 0; min-width: 0; }
        input, select {
          width: 100%; min-height: var(--target); padding: var(--space-s) var(--space-m);
          font: inherit; color: var(--ink); background: var(--surface);
          border: 1px solid var(--edge); border-radius: var(--round);
        }
        input[aria-invalid="true"] { border-color: var(--danger); border-width: 2px; }
        .error { color: var(--danger); font-size: var(--size-s); font-weight: 600; }
        .button {
          display: inline-flex; align-items: center; justify-content: center; text-align: center;
          min-height: var(--target); padding: var(--space-s) var(--space-m);
          font: inherit; font-weight: 600; text-decoration: none; cursor: pointer;
          color: var(--accent); background: var(--surface);
          border: 1px solid var(--edge); border-radius: var(--round);
        }
        .button.main { color: var(--accent-ink); background: var(--accent); border-color: var(--accent); }
        .button.danger { color: var(--danger); }
        .button.full { width: 100%; }
        .button:hover { filter: brightness(0.94); }
        .link { display: inline-flex; align-items: center; min-height: var(--target); }
        @media (prefers-color-scheme: dark) { .button:hover { filter: brightness(1.15); } }

        """

    private static let small = """
        @media (max-width: 30rem) {
          main { padding: var(--space-m) var(--space-s); }
          .card { padding: var(--space-m); }
          .facts { grid-template-columns: minmax(0, 1fr); gap: 0; }
          .facts dd + dt { margin-top: var(--space-s); }
          .row > .button { flex: 1 1 100%; }
          time, .number, .badge { white-space: normal; }
          td.number, td .badge { overflow-wrap: normal; }
        }
        @media (forced-colors: active) {
          .button, .badge, .notice, .card { border-color: CanvasText; }
        }
        """

    /// The mark in a browser's tab.
    package static let icon = """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0b5cad"/>\
        <path d="M8 20h16v3H8zM8 14.500h16v3H8zM8 9h16v3H8z" fill="#fff"/></svg>
        """
}
