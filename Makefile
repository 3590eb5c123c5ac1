MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:
