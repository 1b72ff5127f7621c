// Holds a lease on a file: until this ends, whoever opens the file waits, as for a disk that hangs. Tells when it has the
// lease, and when somebody waits.

#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static void tell(const char *line) {
    puts(line);
    fflush(stdout);
}

int main(int count, char **arguments) {
    sigset_t asked;
    int signal = 0;
    char end;
    sigemptyset(&asked);
    sigaddset(&asked, SIGIO);
    sigprocmask(SIG_BLOCK, &asked, NULL);
    int file = count > 1 ? open(arguments[1], O_RDWR) : -1;
    if (file < 0 || fcntl(file, F_SETLEASE, F_WRLCK)) {
        perror("a lease");
        return 1;
    }
    tell("held");
    if (sigwait(&asked, &signal) == 0)
        tell("asked");
    read(0, &end, 1);
    return 0;
}
