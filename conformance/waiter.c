/* The program of the shell scripts: says who it is, waits for SIGTERM, says that it came, and ends.
 *
 *   P pid=1 ppid=0 ["P","a"] one=["P","a"]   its own words, and those of process 1; one line, written
 *                                            at once; as in JSON, bytes above 126 and control characters
 *                                            as \u00XX
 *   P TERM
 *
 * It ends by itself after 30 seconds, so that nothing is left behind. With WAIT=0 in its environment it
 * does not wait. The report goes to standard output, or to standard error if there is no standard output.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char line[65536];
static size_t used;

static void put(const char *text) {
  while (*text && used < sizeof line - 1) line[used++] = *text++;
}

static void word(const char *text) {
  char escaped[8];
  put("\"");
  for (; *text; text++) {
    unsigned char c = (unsigned char)*text;
    if (c == '"' || c == '\\') snprintf(escaped, sizeof escaped, "\\%c", c);
    else if (c < 32 || c > 126) snprintf(escaped, sizeof escaped, "\\u%04x", c);
    else snprintf(escaped, sizeof escaped, "%c", c);
    put(escaped);
  }
  put("\"");
}

static void say(void) {
  if (write(1, line, used) < 0 && write(2, line, used) < 0) _exit(9);
}

static void process_one(void) {
  static char words[16384];
  FILE *file = fopen("/proc/1/cmdline", "r");
  size_t size = file ? fread(words, 1, sizeof words - 1, file) : 0;
  for (size_t at = 0; at < size; at += strlen(words + at) + 1) {
    if (at) put(",");
    word(words + at);
  }
}

static const char *name;

static void on_term(int signal) {
  (void)signal;
  used = 0;
  put(name);
  put(" TERM\n");
  say();
  _exit(0);
}

int main(int argc, char **argv) {
  char ids[64];
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_term;
  sigaction(SIGTERM, &action, 0);
  name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
  put(name);
  snprintf(ids, sizeof ids, " pid=%d ppid=%d [", (int)getpid(), (int)getppid());
  put(ids);
  for (int i = 0; i < argc; i++) {
    if (i) put(",");
    word(argv[i]);
  }
  put("] one=[");
  process_one();
  put("]\n");
  say();
  const char *wait = getenv("WAIT");
  if (wait && !strcmp(wait, "0")) return 0;
  sleep(30);
  return 0;
}
