"""The same statement is the same file, to the byte: again in one process, and in processes of other
locales, languages and time zones."""

import documents
import statements

ENVIRONMENTS = [
    {"LC_ALL": "C", "TZ": "UTC"},
    {"LC_ALL": "C.UTF-8", "TZ": "Asia/Shanghai"},
    {"LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8", "LANGUAGE": "de", "TZ": "America/New_York"},
    {"LC_ALL": "ja_JP.UTF-8", "LANG": "ja_JP.UTF-8", "PANGO_LANGUAGE": "ja:ko", "TZ": "Pacific/Chatham"},
    {"LC_ALL": "ar_EG.UTF-8", "FC_LANG": "ar", "TZ": "XXX-13:45", "SOURCE_DATE_EPOCH": "1"},
]

for name, make in statements.ALL.items():
    for format in ("pdf", "xlsx"):
        first = documents.render(format, make(), times=3)
        for environment in ENVIRONMENTS:
            assert documents.render(format, make(), environment) == first, (name, format, environment)
print("ok")
