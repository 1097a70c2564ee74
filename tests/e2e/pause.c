/* SPDX-License-Identifier: Apache-2.0 */
/* The first process of a pod: it holds the namespaces, and waits until it is told to end. */
#include <signal.h>
#include <unistd.h>

static void end(int number) {
        (void)number;
        _exit(0);
}

int main(void) {
        signal(SIGTERM, end);
        signal(SIGINT, end);
        signal(SIGCHLD, SIG_IGN);
        for (;;)
                pause();
}
