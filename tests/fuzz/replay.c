/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs every file of a corpus directory through a fuzzer's entry point, without libFuzzer. Each
 * input lies in a heap block of exactly its size, so that a sanitizer sees a read too far.
 */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

static int replay(const char *path)
{
	FILE *file = fopen(path, "rb");
	long size;

	if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0) {
		perror(path);
		return 1;
	}
	rewind(file);
	uint8_t *data = malloc((size_t)size > 0 ? (size_t)size : 1);
	if (data == NULL || fread(data, 1, (size_t)size, file) != (size_t)size) {
		perror(path);
		return 1;
	}
	fclose(file);
	LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	struct dirent **entries;
	int replayed = 0;

	if (argc != 2) {
		fprintf(stderr, "usage: %s CORPUS-DIRECTORY\n", argv[0]);
		return 2;
	}
	int n = scandir(argv[1], &entries, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		char path[4096];
		if (entries[i]->d_name[0] != '.') {
			snprintf(path, sizeof(path), "%s/%s", argv[1], entries[i]->d_name);
			if (replay(path) != 0) {
				return 1;
			}
			replayed++;
		}
		free(entries[i]);
	}
	if (n >= 0) {
		free(entries);
	}
	printf("%d inputs\n", replayed);
	return replayed > 0 ? 0 : 1;
}
