# Needs: the files of peaks or of gene expression that the section `graph` names.
# Makes: tables of similarity between cell lines, which the prototype graph takes as edges. The table of the
# scope `training` is made without the files of unseen lines, so that these change nothing that training reads.


rule compare_peaks:
    """Compare cell lines by the overlap of their peaks."""
    input:
        peaks=lambda wildcards: sorted({str(path) for path in peaks_of(wildcards).peaks.values()}),
        contig_names=contig_names(),
    output:
        "results/similarity/{scope}/{comparison}.tsv",
    log:
        "logs/compare_peaks/{scope}_{comparison}.log",
    benchmark:
        "benchmarks/compare_peaks/{scope}_{comparison}.tsv"
    wildcard_constraints:
        comparison=one_of(PEAK_OVERLAPS) or "-",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=memory(1000),
        runtime=minutes(30),
    params:
        code=code("cbat.graph.similarity"),
        settings=lambda wildcards: peaks_of(wildcards).model_dump_json(include={"peaks", "bin"}),
        contig_names=contig_names_option,
    message:
        "Compare cell lines by their peaks ({wildcards.comparison}, {wildcards.scope} lines)."
    shell:
        "cbat compare_peaks --settings {params.settings:q} {params.contig_names:q} --output {output} > {log} 2>&1"


rule compare_expression:
    """Compare cell lines by the correlation of their gene expression."""
    input:
        table=lambda wildcards: str(EXPRESSION_CORRELATIONS[wildcards.comparison].table),
    output:
        "results/similarity/{scope}/{comparison}.tsv",
    log:
        "logs/compare_expression/{scope}_{comparison}.log",
    benchmark:
        "benchmarks/compare_expression/{scope}_{comparison}.tsv"
    wildcard_constraints:
        comparison=one_of(EXPRESSION_CORRELATIONS) or "-",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=memory(1000),
        runtime=minutes(30),
    params:
        code=code("cbat.graph.similarity"),
        settings=lambda wildcards: expression_of(wildcards).model_dump_json(include={"table", "columns"}),
    message:
        "Compare cell lines by their expression ({wildcards.comparison}, {wildcards.scope} lines)."
    shell:
        "cbat compare_expression --settings {params.settings:q} --output {output} > {log} 2>&1"
