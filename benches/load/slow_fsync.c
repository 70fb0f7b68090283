/* Preloaded where a disk is wanted on which every fsync takes two milliseconds, whatever the real one does. */
#include <time.h>

static int two_milliseconds(void) {
    struct timespec left = { 0, 2000000 };
    while (nanosleep(&left, &left) != 0) {
    }
    return 0;
}

int fsync(int file) {
    (void)file;
    return two_milliseconds();
}

int fdatasync(int file) {
    (void)file;
    return two_milliseconds();
}
