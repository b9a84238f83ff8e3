/** What `skep help` says. */
export const USAGE = `Usage: skep [--kernel { embedded | linux | SOCKET }] [OPTIONS] OBJECT { COMMAND | help }
       skep [--kernel ...] run OBJ [-- COMMAND...]       load, attach, print what the programs print
       skep [--kernel ...] opensnoop [-- COMMAND...]     which process opens which file
       skep build FILE.bpf.c [-o OUT]                    compile a program
       skep [--kernel ...] cases FILE... [--compare]     program cases: what a kernel says to each
       skep kernel { start | stop | status }             your embedded kernel
       skep batch file FILE
       skep version

       OBJECT := { prog | map | link | cgroup | perf | net | feature | btf | gen | struct_ops | iter | token }
       OPTIONS := { {-j|--json} [{-p|--pretty}] | {-d|--debug} | {-f|--bpffs} | {-n|--nomount} |
                    {-B|--base-btf} FILE | {-V|--version} | {-h|--help} }

       The objects and their commands are bpftool's, prefixes included: 'skep p s' is 'skep prog show'.
       Without --kernel (or SKEP_KERNEL) the embedded kernel answers; it starts when it is needed.
`;
