// What happened, on the live page.
extension LiveTemplates {
    static let payments = """
        <section class="card stack" id="payments" aria-labelledby="payments-title" data-live>
        <h2 id="payments-title">Payments</h2>
        {{#isEmpty}}
        <p>Nothing yet. In a second terminal, in the folder where this was started:</p>
        <p><code>export BUS_API_BASE_URL={{origin}} BUS_API_TOKEN_FILE={{folder}}/billing.token</code></p>
        <p><code>bus billing setup --feature llm:proxy</code></p>
        <p>Open the address that it prints, and pay there.</p>
        {{/isEmpty}}
        {{^isEmpty}}
        {{#hasNoPayments}}<p class="quiet">None yet.</p>{{/hasNoPayments}}
        {{^hasNoPayments}}<p class="hint">From request to access, the newest payment first. Times are this machine's, UTC; \
        what has another time by Stripe's clock says so.</p>{{/hasNoPayments}}
        {{/isEmpty}}
        {{#payments}}
        <details class="story" id="payment-{{storyID}}"{{#isNewest}} open data-open{{/isNewest}}>
        <summary><h3>{{paymentName}} <span class="badge {{paymentTone}}">{{paymentStatus}}</span></h3></summary>
        <div class="stack">
        <p class="hint">{{#paymentPrice}}{{paymentPrice}} · {{/paymentPrice}}{{paymentPlans}} · \
        <code>{{storyID}}</code> · begun {{paymentBegun}}</p>
        {{#paymentOutdated}}<p class="notice">Stripe says {{paymentStatus}}; Bus was last told {{paymentOutdated}}. \
        It asks Stripe by itself when it has heard nothing for long.</p>{{/paymentOutdated}}
        {{>steps}}
        </div>
        </details>
        {{/payments}}
        {{#olderPayments}}<p class="hint">{{olderPayments}} older payments are not shown.</p>{{/olderPayments}}
        </section>
        """

    static let rest = """
        {{#rest}}
        <section class="card stack" id="rest" aria-labelledby="rest-title" data-live>
        <h2 id="rest-title">Beside the payments</h2>
        {{^hasRecent}}<p class="quiet">Nothing yet: no usage, no visit to the portal, no move of the clock.</p>{{/hasRecent}}
        {{>steps}}
        </section>
        {{/rest}}
        """

    /// Steps in order, with folds for what is old and for what changed nothing.
    static let steps = """
        {{#hidden}}<p class="hint">{{hidden}} earlier steps are not shown.</p>{{/hidden}}
        {{#earlier}}
        <details id="earlier-{{storyID}}"><summary>{{count}} earlier {{noun}}</summary>
        <ol class="timeline stack">{{#list}}{{>step}}{{/list}}</ol>
        </details>
        {{/earlier}}
        {{#hasRecent}}<ol class="timeline stack">{{#recent}}{{>step}}{{/recent}}</ol>{{/hasRecent}}
        {{#quiet}}
        <details id="quiet-{{storyID}}"><summary>{{count}} {{noun}} changed nothing</summary>
        <ol class="timeline stack">{{#list}}{{>step}}{{/list}}</ol>
        </details>
        {{/quiet}}
        """

    static let step = """
        <li class="stack tight">
        <p class="row"><time class="hint" datetime="{{machine}}">{{time}}</time>
        {{#since}}<span class="hint number">{{since}}</span>{{/since}}
        {{#tone}}<span class="badge {{tone}}">{{title}}</span>{{/tone}}{{^tone}}<strong>{{title}}</strong>{{/tone}}</p>
        {{#detail}}<p>{{detail}}</p>{{/detail}}
        {{#ways}}
        <p class="hint"><span class="badge {{wayTone}}">{{way}}</span> {{wayText}}</p>
        {{#wayReason}}<p>Why: {{wayReason}}.</p>{{/wayReason}}
        {{/ways}}
        {{#verdict}}<p class="row"><span class="badge {{verdictTone}}">{{verdict}}</span> \
        {{#verdictSince}}<span class="hint">{{verdictSince}}</span>{{/verdictSince}}\
        {{#verdictDetail}}<span class="hint">{{verdictDetail}}</span>{{/verdictDetail}}</p>{{/verdict}}
        {{#again}}
        <details id="again-{{againID}}"><summary>Sent {{count}} more {{noun}}: nothing new</summary>
        <ul>{{#againList}}<li class="hint">{{againText}}</li>{{/againList}}</ul>
        </details>
        {{/again}}
        <p class="hint"><code>{{id}}</code> · Cause: {{cause}}\
        {{#stripeTime}} · {{stripeTime}} by Stripe's clock{{/stripeTime}}</p>
        {{#page}}<p><a class="link" id="open-{{id}}-{{machine}}" href="{{page}}">Open this page</a></p>{{/page}}
        </li>

        """
}
