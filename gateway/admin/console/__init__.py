"""The console: the admin API's verbs as pages for a browser, without a line of JavaScript."""
