import BusPages

/// The templates of the live page.
///
/// A value that is missing is looked for further out, so the lists inside of lists have names of their own.
enum LiveTemplates {
    static let pages = PageTemplates([
        "live": live, "account": account, "payments": payments, "rest": rest, "steps": steps, "step": step,
        "webhooks": webhooks, "controls": controls,
    ])

    private static let live = """
        {{<frame}}{{$head}}<script src="/live/live.js" defer></script>{{/head}}{{$content}}
        <div class="stack loose">
        <header class="stack tight">
        <h1>Bus on this machine</h1>
        <p class="quiet">What happens to account <code>{{account}}</code>, as it happens.</p>
        <p class="row"><a class="link" href="/">Refresh</a> <a class="link" href="#controls">Clock, scenarios and faults</a></p>
        </header>
        <div id="notice" role="status" data-live>
        {{#notice}}<p class="notice {{noticeTone}}">{{text}} <span class="hint">{{noticeTime}}</span></p>{{/notice}}
        </div>
        <div class="columns">
        <div class="stack loose">
        {{>account}}
        {{>payments}}
        {{>webhooks}}
        {{>rest}}
        </div>
        <div class="stack loose" id="controls">
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
        <p class="row"><span class="badge {{statusTone}}">{{word}}</span> <span>May use: {{features}}</span></p>
        {{#next}}<p>Next: <code>{{next}}</code></p>{{/next}}
        <dl class="facts">
        {{#plan}}<dt>Plan</dt><dd>{{plan}}</dd>{{/plan}}
        {{#paidUntil}}<dt>Paid until</dt><dd>{{paidUntil}} UTC by Stripe's clock</dd>{{/paidUntil}}
        {{#endsAt}}<dt>Ends</dt><dd>{{endsAt}} UTC by Stripe's clock</dd>{{/endsAt}}
        </dl>
        {{#hasGauges}}<h3>Quotas</h3>{{/hasGauges}}
        {{#gauges}}
        <div class="stack tight">
        <p class="row spread"><span>{{meter}}, each {{window}}</span>
        <span class="number">{{used}} of {{limit}}</span></p>
        <progress value="{{value}}" max="{{max}}" aria-label="{{meter}}, each {{window}}">{{used}} of {{limit}}</progress>
        <p class="hint">{{#isExceeded}}<strong class="error">Used up.</strong> {{/isExceeded}}{{until}}</p>
        {{#plot}}
        <figure class="stack tight">
        <svg class="plot" viewBox="-4 -8 648 176" role="img" aria-label="{{plotWords}}">
        {{#jumps}}<rect class="band" x="{{bandStart}}" y="-8" width="{{bandWidth}}" height="168"/>{{/jumps}}
        {{#marks}}<line class="mark" x1="{{at}}" y1="-8" x2="{{at}}" y2="160"/>{{/marks}}
        <line class="limit" x1="0" y1="{{limitLine}}" x2="640" y2="{{limitLine}}"/>
        <line class="axis" x1="0" y1="160" x2="640" y2="160"/>
        <polyline class="curve" points="{{curve}}"/>
        </svg>
        <p class="row spread hint" aria-hidden="true"><span>{{plotStart}}</span> <span>{{plotEnd}}</span></p>
        <figcaption class="hint">{{plotWords}}</figcaption>
        </figure>
        {{/plot}}
        </div>
        {{/gauges}}
        {{#hasPlots}}<p class="hint">The plots run along Stripe's clock. Dashed: the quota. Shaded: the clock was moved.
        Upright: the count began again.</p>{{/hasPlots}}
        {{/status}}
        </section>
        """

    private static let webhooks = """
        {{#sandbox}}
        <section class="card stack" id="webhooks" aria-labelledby="webhooks-title" data-live>
        <h2 id="webhooks-title">Webhooks</h2>
        {{^hasWebhooks}}<p class="quiet">None was sent since this program started.</p>{{/hasWebhooks}}
        {{#hasWebhooks}}
        <table class="outcomes">
        <caption class="hint">By outcome, since this program started</caption>
        {{#outcomes}}
        <tr><th scope="row">{{outcome}}<span class="hint">{{outcomeWords}}</span></th><td class="number">{{count}}</td>
        <td class="bars"><svg class="plot" viewBox="0 0 300 16" preserveAspectRatio="none" aria-hidden="true">\
        <rect class="bar {{outcomeTone}}" x="0" y="0" width="{{bar}}" height="16"/></svg></td></tr>
        {{/outcomes}}
        </table>
        <h3>The newest</h3>
        <form method="post" action="/live/resend">
        <ul class="lines deliveries">
        {{#webhooks}}
        <li>
        <div>
        <p class="row"><span class="badge {{outcomeTone}}">{{outcome}}</span> <span>{{type}}</span></p>
        <p class="hint"><code>{{eventID}}</code> · {{sent}} · happened {{happened}} by Stripe's clock</p>
        </div>
        <button class="button" id="again-{{number}}" name="event" value="{{eventID}}" \
        aria-label="Send {{type}} again, {{eventID}}">Send again</button>
        </li>
        {{/webhooks}}
        </ul>
        </form>
        {{/hasWebhooks}}
        </section>
        {{/sandbox}}
        """
}
