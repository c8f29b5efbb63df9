/* libmodsecurity 3 on the requests of bench/engine.py: microseconds of each, one a line.
 *   engine_peer RULES < REQUESTS
 * A request is lines: method, URI, number of headers, `name\tvalue` each, length of the body, body, line feed. */
#include <modsecurity/modsecurity.h>
#include <modsecurity/rules_set.h>
#include <modsecurity/transaction.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static char *line(char **at) {
    char *start = *at, *end = strchr(start, '\n');
    *end = 0;
    *at = end + 1;
    return start;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static void quiet(void *data, const void *message) { (void)data, (void)message; }

int main(int count, char **words) {
    ModSecurity *engine = msc_init();
    RulesSet *rules = msc_create_rules_set();
    const char *error = NULL;
    static char text[64 << 20];
    char *at = text;
    msc_set_log_cb(engine, quiet);
    if (count < 2 || msc_rules_add_file(rules, words[1], &error) < 0) {
        fprintf(stderr, "%s\n", error ? error : "no rules");
        return 1;
    }
    text[fread(text, 1, sizeof text - 1, stdin)] = 0;
    while (*at) {
        char *method = line(&at), *uri = line(&at);
        int headers = atoi(line(&at));
        char *names[64], *values[64], *body;
        for (int n = 0; n < headers; n++) {
            names[n] = line(&at);
            values[n] = strchr(names[n], '\t');
            *values[n]++ = 0;
        }
        int size = atoi(line(&at));
        body = at;
        at += size + 1;
        double before = now();
        Transaction *one = msc_new_transaction(engine, rules, NULL);
        msc_process_connection(one, "192.0.2.7", 50123, "192.0.2.1", 80);
        msc_process_uri(one, uri, method, "1.1");
        for (int n = 0; n < headers; n++)
            msc_add_request_header(one, (unsigned char *)names[n], (unsigned char *)values[n]);
        msc_process_request_headers(one);
        if (size) msc_append_request_body(one, (unsigned char *)body, size);
        msc_process_request_body(one);
        msc_transaction_cleanup(one);
        printf("%.1f\n", now() - before);
    }
    return 0;
}
