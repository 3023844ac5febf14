import BusPages

/// The template of the live page, and its script.
enum LiveTemplates {
    static let pages = PageTemplates([
        "live": live, "account": account, "timeline": timeline, "webhooks": webhooks, "controls": controls,
    ])

    private static let live = """
        {{<frame}}{{$head}}<script src="/live/live.js" defer></script>{{/head}}{{$content}}
        <div class="stack loose">
        <header class="stack tight">
        <h1>Bus on this machine</h1>
        <p class="quiet">What happens to account <code>{{account}}</code>, as it happens.
        <a class="link" href="/">Refresh</a></p>
        </header>
        <div id="notice" role="status" data-live>
        {{#notice}}<p class="notice {{tone}}">{{text}} <span class="hint">{{time}}</span></p>{{/notice}}
        </div>
        <div class="columns">
        <div class="stack loose">
        {{>account}}
        {{>timeline}}
        {{>webhooks}}
        </div>
        <div class="stack loose">
        {{>controls}}
        </div>
        </div>
        </div>
        {{/content}}{{/frame}}

        """

    private static let account = """
        <section class="card stack" id="account" aria-labelledby="account-title" data-live>
        <h2 id="account-title">Access</h2>
        {{#isBroken}}<p class="notice bad">The billing database does not answer. The terminal says why.</p>{{/isBroken}}
        {{#status}}
        <p class="row"><span class="badge {{tone}}">{{word}}</span> <span>May use: {{features}}</span></p>
        {{#next}}<p>Next: <code>{{next}}</code></p>{{/next}}
        <dl class="facts">
        {{#plan}}<dt>Plan</dt><dd>{{plan}}</dd>{{/plan}}
        {{#paidUntil}}<dt>Paid until</dt><dd>{{paidUntil}} UTC</dd>{{/paidUntil}}
        {{#endsAt}}<dt>Ends</dt><dd>{{endsAt}} UTC</dd>{{/endsAt}}
        </dl>
        {{#hasGauges}}<h3>Quotas</h3>{{/hasGauges}}
        {{#gauges}}
        <div class="stack tight">
        <p class="row spread"><span>{{meter}}, each {{window}}</span>
        <span class="number">{{used}} of {{limit}}</span></p>
        <progress value="{{value}}" max="{{max}}" aria-label="{{meter}}, each {{window}}">{{used}} of {{limit}}</progress>
        <p class="hint">{{#isExceeded}}<strong class="error">Used up.</strong> {{/isExceeded}}\
        {{#resets}}Begins again at {{resets}} UTC.{{/resets}}{{^resets}}Never begins again.{{/resets}}</p>
        </div>
        {{/gauges}}
        {{/status}}
        {{#plots}}
        <figure class="stack tight">
        <figcaption class="hint">{{words}}</figcaption>
        <svg class="plot" viewBox="-4 -8 648 176" role="img" aria-label="{{words}}">
        <line class="limit" x1="0" y1="{{limit}}" x2="640" y2="{{limit}}"/>
        <line class="axis" x1="0" y1="160" x2="640" y2="160"/>
        <polyline class="curve" points="{{points}}"/>
        </svg>
        </figure>
        {{/plots}}
        </section>
        """

    private static let timeline = """
        <section class="card stack" id="timeline" aria-labelledby="timeline-title" data-live>
        <h2 id="timeline-title">What happened</h2>
        {{#isEmpty}}
        <p>Nothing yet. In a second terminal, in the folder where this was started:</p>
        <p><code>export BUS_API_BASE_URL={{origin}} BUS_API_TOKEN_FILE={{folder}}/billing.token</code></p>
        <p><code>bus billing setup --feature llm:proxy</code></p>
        <p>Open the address that it prints, and pay there.</p>
        {{/isEmpty}}
        {{#hidden}}<p class="hint">{{hidden}} earlier steps are not shown.</p>{{/hidden}}
        <ol class="timeline stack">
        {{#steps}}
        <li class="stack tight">
        <p class="row"><time class="hint" datetime="{{machine}}">{{time}}</time>
        {{#tone}}<span class="badge {{tone}}">{{title}}</span>{{/tone}}{{^tone}}<strong>{{title}}</strong>{{/tone}}</p>
        {{#detail}}<p>{{detail}}</p>{{/detail}}
        <p class="hint"><code>{{id}}</code> · Cause: {{cause}}</p>
        {{#page}}<p><a class="link" href="{{page}}">Open this page</a></p>{{/page}}
        </li>
        {{/steps}}
        </ol>
        </section>
        """

    private static let webhooks = """
        {{#sandbox}}
        <section class="card stack" id="webhooks" aria-labelledby="webhooks-title" data-live>
        <h2 id="webhooks-title">Webhooks</h2>
        {{^hasWebhooks}}<p class="quiet">None was sent yet.</p>{{/hasWebhooks}}
        {{#outcomes}}
        <figure class="stack tight">
        <figcaption class="hint">By outcome: {{words}}</figcaption>
        <svg class="plot" viewBox="0 0 640 {{height}}" role="img" aria-label="Webhooks by outcome: {{words}}">
        {{#bars}}
        <text x="0" y="{{text}}">{{name}}</text>
        <rect class="bar" x="110" y="{{y}}" width="{{width}}" height="20"/>
        <text x="640" y="{{text}}" text-anchor="end">{{count}}</text>
        {{/bars}}
        </svg>
        </figure>
        {{/outcomes}}
        <ul class="stack">
        {{#webhooks}}
        <li class="stack tight">
        <p class="row"><span class="badge {{tone}}">{{state}}</span> <span>{{type}}</span></p>
        <p class="hint"><code>{{id}}</code> · {{time}} sandbox time · answered {{answers}}</p>
        </li>
        {{/webhooks}}
        </ul>
        </section>
        {{/sandbox}}
        """

    private static let controls = """
        {{^sandbox}}
        <section class="card stack" aria-labelledby="clock-title">
        <h2 id="clock-title">Stripe's test mode</h2>
        <p>A Stripe key is set, so pages and webhooks are Stripe's own. Clock, faults and scenarios need the offline
        Stripe: start without <code>BUS_STRIPE_SECRET_KEY</code>.</p>
        </section>
        {{/sandbox}}
        {{#sandbox}}
        <section class="card stack" aria-labelledby="clock-title">
        <h2 id="clock-title">Clock</h2>
        <p id="clock" data-live>It is <time datetime="{{machine}}">{{now}}</time> UTC in the sandbox.</p>
        <form class="row" method="post" action="/live/clock">
        <button class="button" name="advance" value="1h">1 hour on</button>
        <button class="button" name="advance" value="24h">1 day on</button>
        <button class="button" name="advance" value="31d">31 days on</button>
        </form>
        </section>
        <section class="card stack" aria-labelledby="scenarios-title">
        <h2 id="scenarios-title">Try what goes wrong</h2>
        <form method="post" action="/live/scenario">
        <ul class="stack">
        {{#scenarios}}
        <li class="stack tight">
        <button class="button full" name="scenario" value="{{name}}" aria-describedby="story-{{name}}">{{title}}</button>
        <p class="hint" id="story-{{name}}">{{story}}</p>
        </li>
        {{/scenarios}}
        </ul>
        </form>
        </section>
        <section class="card stack" aria-labelledby="faults-title">
        <h2 id="faults-title">Faults</h2>
        {{#dials}}
        <form class="stack" method="post" action="/live/faults">
        <div class="field"><label for="kind">Calls of Stripe's API meet</label>
        <select id="kind" name="kind"><option value="">nothing</option>\
        {{#kinds}}<option value="{{name}}"{{#chosen}} selected{{/chosen}}>{{name}}</option>{{/kinds}}</select></div>
        <div class="field"><label for="percent">in so many of 100 calls</label>
        <input id="percent" name="percent" type="number" min="0" max="100" value="{{percent}}"></div>
        <div class="field"><label for="delay">Webhooks wait up to so many seconds</label>
        <input id="delay" name="delay" type="number" min="0" max="60" value="{{delay}}"></div>
        <div class="field"><label for="duplicates">So many of 100 are sent twice</label>
        <input id="duplicates" name="duplicates" type="number" min="0" max="100" value="{{duplicates}}"></div>
        <div class="field"><label for="reorder">So many of 100 let later ones pass</label>
        <input id="reorder" name="reorder" type="number" min="0" max="100" value="{{reorder}}"></div>
        <div class="field"><label for="drop">So many of 100 are never sent</label>
        <input id="drop" name="drop" type="number" min="0" max="100" value="{{drop}}"></div>
        <p class="row"><button class="button main">Set these faults</button>
        <button class="button" name="reset" value="yes">None</button></p>
        </form>
        {{/dials}}
        </section>
        {{/sandbox}}
        """

    /// Fetches the page again when the server says that something is new, and puts the changed parts in place.
    static let script = """
        "use strict";
        (() => {
          let isBusy = false, isStale = false;
          async function refresh() {
            if (isBusy) { isStale = true; return; }
            isBusy = true;
            try {
              const answer = await fetch("/", { headers: { Accept: "text/html" } });
              if (!answer.ok) return;
              const page = new DOMParser().parseFromString(await answer.text(), "text/html");
              for (const part of document.querySelectorAll("[data-live]")) {
                const fresh = page.getElementById(part.id);
                if (fresh && fresh.innerHTML !== part.innerHTML && !part.contains(document.activeElement)) {
                  part.replaceChildren(...fresh.childNodes);
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
