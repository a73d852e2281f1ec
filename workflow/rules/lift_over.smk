# Needs: files of intervals of another assembly, and chain files, both named in the section `lift_over`.
# Makes: the files that the section names, wherever they lie, of the assembly of the run.

if LIFTED:

    rule lift_over:
        """Lift peaks or genes of another assembly to that of the run."""
        input:
            chain=lambda wildcards: str(lift_of(wildcards).chain),
            given=lambda wildcards: str(lift_of(wildcards).from_),
        output:
            lifted="{lifted}",
            report="{lifted}.json",
        log:
            "logs/lift_over/{lifted}.log",
        benchmark:
            "benchmarks/lift_over/{lifted}.tsv"
        wildcard_constraints:
            lifted=one_of(LIFTED),
        # What the user brings is read first, so that a mistake in it stops a run before any work.
        priority: 10
        conda:
            "../envs/data.yaml"
        resources:
            mem_mb=memory(1000),
            runtime=minutes(10),
        params:
            code=code("cbat.data.lift_over"),
        message:
            "Lift {wildcards.lifted} over from another assembly."
        shell:
            "cbat lift_over --chain {input.chain:q} --input {input.given:q} --output {output.lifted:q}"
            " > {log:q} 2>&1"
